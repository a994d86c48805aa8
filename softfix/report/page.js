(() => {
  "use strict";
  const text = document.getElementById("numbers").textContent;
  const numbers = JSON.parse(text);
  const tip = document.getElementById("tip");
  const near = 14; // drawing units

  const round = (value) => Number(value.toPrecision(4)).toString().replace("-", "−");

  const say = (points, k, i) => {
    const y = points.y[k];
    const unit = y.unit.replace("^3", "³");
    return `${points.names[points.frame[i]]}, ${points.part[i]}: ${points.x.name} ${round(points.x.values[i])}, ` +
      `${points.x.name === "DFT" ? y.name : "error of " + y.name} ${round(y.values[i])} ${unit}`;
  };

  const listen = (group) => {
    const [key, k] = group.dataset.points.split(".");
    const points = numbers[key];
    const svg = group.closest("svg");
    const discs = [...group.children];
    const places = discs.map((disc) => [disc.cx.baseVal.value, disc.cy.baseVal.value]);
    const ring = document.createElementNS(svg.namespaceURI, "circle");
    ring.setAttribute("class", "found");
    ring.setAttribute("r", "6");
    let order = null;
    let rank = -1;

    const show = (i) => {
      ring.setAttribute("cx", places[i][0]);
      ring.setAttribute("cy", places[i][1]);
      svg.append(ring);
      tip.textContent = say(points, Number(k), i);
      tip.hidden = false;
      const at = discs[i].getBoundingClientRect();
      const left = Math.min(Math.max(at.left + 12, 8), innerWidth - tip.offsetWidth - 8);
      const above = at.top - tip.offsetHeight - 10;
      tip.style.left = `${left}px`;
      tip.style.top = `${above > 8 ? above : at.bottom + 10}px`;
    };
    const hide = () => { ring.remove(); tip.hidden = true; };

    svg.addEventListener("pointermove", (event) => {
      const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let best = -1;
      let least = near * near;
      places.forEach(([a, b], i) => {
        const d = (a - x) ** 2 + (b - y) ** 2;
        if (d < least) { least = d; best = i; }
      });
      if (best < 0) hide(); else show(best);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.tabIndex = 0;
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      const y = points.y[k].values;
      const size = (i) => key === "force_errors" ? y[i] : Math.abs(y[i] - points.x.values[i]);
      order = order || places.map((_, i) => i).sort((a, b) => size(b) - size(a));
      rank = Math.min(Math.max(rank + step, 0), order.length - 1);
      show(order[rank]);
    });
  };

  document.querySelectorAll("g[data-points]").forEach(listen);

  const save = document.getElementById("save");
  save.hidden = false;
  save.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "softfix-numbers.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
