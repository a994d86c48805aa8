"""Potentials that are compared: corrections with their bases, and bases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from softfix.correction import Correction, load_correction, require_base
from softfix.errors import SoftfixError

if TYPE_CHECKING:
    from softfix.bases.protocol import Base

MOST = 8  # potentials on one page: there are as many colours


@dataclass(frozen=True, eq=False)
class Contender:
    """A base, corrected or as it is."""

    name: str
    base: Base
    correction: Correction | None = None

    @property
    def kind(self) -> str:
        """What it is."""
        return "base" if self.correction is None else "corrected"


def contenders(specs: Sequence[str]) -> list[Contender]:
    """Potentials by correction file (.softfix) or base spec; bases first, those of the corrections among them.

    Raises:
        SoftfixError: for a name that stands twice, a file or spec that cannot be loaded, or too many potentials.
    """
    from softfix.bases import load_base

    repeated = [spec for spec, count in Counter(specs).items() if count > 1]
    if repeated:
        raise SoftfixError(f"'{repeated[0]}' is named twice: name every potential once.")
    bases: dict[str, Contender] = {}
    corrected = []
    for spec in specs:
        if spec.endswith(".softfix"):
            correction = load_correction(spec)
            base = load_base(correction.base.spec)
            require_base(correction, base.identity)
            corrected.append(Contender(spec, base, correction))
        else:
            base = load_base(spec)
        bases.setdefault(base.identity.key, Contender(base.identity.spec, base))
    found = [*bases.values(), *(Contender(_short(c.name, specs), c.base, c.correction) for c in corrected)]
    if len(found) > MOST:
        raise SoftfixError(f"{len(found)} potentials are too many for one page: name at most {MOST}, bases counted.")
    return found


def _short(path: str, paths: Sequence[str]) -> str:
    """Name of a file without folder and ending, the path where that is not unique."""
    stem = Path(path).stem
    return stem if [Path(other).stem for other in paths].count(stem) == 1 else path
