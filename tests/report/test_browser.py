"""The page in headless Chromium: no error, no network, figures that are seen, numbers that are the JSON's."""

import base64
import json
import shutil

import pytest

from softfix.report.numbers import dump
from softfix.report.page import page

WIDTHS = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("selenium", reason="the package selenium is not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver (Debian: chromium, chromium-driver) are not on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture(params=WIDTHS)
def opened(request, browser, toy, tmp_path):
    """The page at one width, and what the browser asked for while it opened."""
    (tmp_path / "report.html").write_text(page(toy.numbers), encoding="utf-8")
    width = WIDTHS[request.param]
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("performance"), browser.get_log("browser")
    browser.get((tmp_path / "report.html").as_uri())
    return browser, width


def requests(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_the_page_opens_without_errors_or_network(opened):
    browser, _ = opened
    urls = requests(browser)
    assert any(url.startswith("file:") for url in urls)
    assert all(url.startswith(("file:", "data:")) for url in urls)
    assert len([url for url in urls if url.startswith("file:")]) == 1
    assert browser.get_log("browser") == []


def test_figures_are_seen_and_nothing_sticks_out(opened):
    browser, width = opened
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('figure > svg, figure > img')].map(e => {"
        "const b = e.getBoundingClientRect(); return [b.left, b.right, b.width, b.height]})"
    )
    assert len(boxes) > 12
    for left, right, wide, high in boxes:
        assert left >= 0
        assert right <= width
        assert wide > 250
        assert high > 150
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    smallest = browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('figure > svg text')].map(t => "
        "parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getScreenCTM().a))"
    )
    assert smallest >= 10  # pixels


def test_the_numbers_that_are_seen_are_those_of_the_json(opened, toy):
    browser, _ = opened
    tree = json.loads(dump(toy.numbers))
    shown = browser.execute_script(
        "return [...document.querySelectorAll('data')].map(e => [e.dataset.path, e.value, e.textContent])"
    )
    assert len(shown) > 100
    for path, value, _ in shown:
        node = tree
        for key in path.split("."):
            node = node[int(key)] if isinstance(node, list) else node[key]
        assert float(value) == node, path


def test_pointing_and_arrow_keys_name_a_point(opened, toy):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser, _ = opened
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    plot = browser.find_element(By.CSS_SELECTOR, "#figure-forces-1 svg")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    plot.send_keys(Keys.ARROW_RIGHT)
    tip = browser.find_element(By.ID, "tip")
    points = toy.numbers.forces
    worst = max(range(len(points.part)), key=lambda k: abs(points.y[1].values[k] - points.x.values[k]))
    assert points.part[worst] in tip.text
    assert points.names[points.frame[worst]] in tip.text
    plot.send_keys(Keys.ESCAPE)
    assert not tip.is_displayed()
    disc = plot.find_elements(By.CSS_SELECTOR, "circle")[0]
    ActionChains(browser).move_to_element(disc).perform()
    assert tip.is_displayed()
    assert "DFT" in tip.text


def test_light_dark_and_paper_have_colours_of_their_own(opened):
    browser, _ = opened
    grounds = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        grounds[scheme] = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    grounds["print"] = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)", "print": "rgb(255, 255, 255)"}
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") in range(3, 30)
