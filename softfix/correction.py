"""A fitted correction and its one file: safetensors with a JSON header, no pickle, no code."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

import softfix
from softfix.bases.protocol import Identity
from softfix.core.anchors import Anchors
from softfix.core.basis import Basis
from softfix.core.gate import Gate, descriptor_weights
from softfix.errors import SoftfixError, first_fault
from softfix.files import atomic_path
from softfix.species import fewest, species_of

FORMAT = "softfix correction"
SCHEMA = 6
UNCROWDED = 2  # the last schema whose gates knew nothing of colliding atoms
UNITS = "energy eV, length Å, force eV/Å, stress eV/Å^3 (Voigt xx yy zz yz xz xy, tension positive)"
ARRAYS = ("scale", "reference_energies", "offsets", "weights", "covariance_root")
ANCHORS = {name: f"anchors_{name}" for name in Anchors._fields}  # absent where there are no many-body terms
GATE = {name: f"gate_{name}" for name in Gate._fields}  # in files; absent where there is no gate


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRecord(_Record):
    """What a correction was fitted to."""

    frames: int
    atoms: int
    sha256: str  # of geometries and labels
    sources: list[str]
    labels_from: list[str]
    levels_of_theory: list[str]


class HeldOut(_Record):
    """Root mean square error on training frames left out in turn, large forces weighted down as in the fit."""

    label: str  # forces, or what there was instead
    unit: str
    base: float
    corrected: float
    half: float | None = None  # corrected, when half as many frames are fitted; None for fewer than five frames

    @property
    def doubled(self) -> float | None:
        """Error expected of twice as many frames."""
        return self.expected(2.0)

    def expected(self, times: float) -> float | None:
        """Error of so many times the frames, if it goes on as a power of their number and does not rise, or None."""
        if self.half is None:
            return None
        return self.corrected * min(self.corrected / self.half, 1.0) ** math.log2(times) if self.half > 0.0 else 0.0


class FitRecord(_Record):
    """What the evidence and the frames left out chose."""

    status: str
    terms: list[str]
    domain: str  # local or global, or none: the base was better on frames left out
    held_out: HeldOut | None  # None where one frame was fitted
    calibration: float  # factor of the posterior's standard deviations, from the frames left out
    calibration_energy: float | None = None  # the same for energies; None where they are too few
    calibration_stress: float | None = None
    base_force_error_eV_A: float  # of the base on the frames (rms, large forces weighted down)
    base_energy_error_eV_atom: float = 0.0  # rms after composition offsets, or what such forces make likely
    amplitude_eV: dict[str, float]
    noise: dict[str, float]
    force_scale_eV_A: float
    rows: dict[str, int]
    log_evidence: float


class BasisRecord(_Record):
    """Sizes of the expansions; see `softfix.core.basis.Basis`."""

    species: int
    pair_cutoff: float
    pair_count: int
    three_cutoff: float
    three_count: int
    l_max: int
    many_count: int = 0


class Header(_Record):
    """Everything in a correction file that is not an array."""

    format: str
    schema_version: int
    softfix_version: str
    created: str
    units: str
    licence: str
    base: Identity
    elements: list[str]
    basis: BasisRecord
    data: DataRecord
    fit: FitRecord


@dataclass(frozen=True, eq=False)
class Correction:
    """E = E_base + scale sum_i h_i (e_i - e_{z_i}) + sum_i g_i w_{z_i}.(phi_i - center_{z_i}) + sum_Z N_Z offset_Z.

    Where all h_i are 1, the first sum is E_base - E_ref.
    """

    base: Identity
    elements: tuple[int, ...]  # atomic numbers, rising
    basis: Basis
    scale: float  # c - 1
    reference_energies: np.ndarray  # (elements,) eV; E_ref = sum_Z N_Z of these
    offsets: np.ndarray  # (elements,) eV
    weights: np.ndarray  # (species, features) eV
    covariance_root: np.ndarray  # (columns, columns); covariance of (scale, offsets, weights) = root.T @ root
    data: DataRecord
    fit: FitRecord
    gate: Gate | None = None
    site_energies: np.ndarray | None = None  # (elements,) eV, mean of the base's in the fit; None where it has none
    licence: str = "that of the frames and of the base's weights"
    created: str = ""

    def zeroed(self) -> Correction:
        """The same correction with all numbers zero: the base itself."""
        return replace(self, scale=0.0, offsets=np.zeros_like(self.offsets), weights=np.zeros_like(self.weights))

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols of the elements."""
        from ase.data import chemical_symbols

        return [chemical_symbols[z] for z in self.elements]

    @property
    def shared(self) -> list[str]:
        """Symbols of elements that have their functions in common, such as "Mo and W"."""
        species = species_of(np.array(self.elements), self.elements, self.basis.species)
        together = [np.array(self.symbols)[species == z] for z in range(self.basis.species)]
        return [" and ".join(symbols) for symbols in together if len(symbols) > 1]

    def header(self) -> Header:
        """The correction without its arrays."""
        return Header(
            format=FORMAT,
            schema_version=SCHEMA,
            softfix_version=softfix.__version__,
            created=self.created or datetime.now(UTC).isoformat(timespec="seconds"),
            units=UNITS,
            licence=self.licence,
            base=self.base,
            elements=self.symbols,
            basis=BasisRecord(**{name: getattr(self.basis, name) for name in BasisRecord.model_fields}),
            data=self.data,
            fit=self.fit,
        )

    def save(self, path: str | Path) -> None:
        """Write one file, atomically; the covariance is kept in float32, all else in float64."""
        from safetensors.numpy import save_file

        arrays = {name: np.array(getattr(self, name), dtype=np.float64, order="C") for name in ARRAYS}
        arrays["covariance_root"] = arrays["covariance_root"].astype(np.float32)
        for names, parts in ((GATE, self.gate), (ANCHORS, self.basis.anchors)):
            if parts is not None:
                arrays |= {names[name]: np.array(value, dtype=np.float64) for name, value in parts._asdict().items()}
        if self.site_energies is not None:
            arrays["site_energies"] = np.array(self.site_energies, dtype=np.float64)
        with atomic_path(path) as temporary:
            save_file(arrays, temporary, metadata={"softfix": self.header().model_dump_json()})


def load_correction(path: str | Path) -> Correction:
    """Read a correction file.

    Raises:
        SoftfixError: if it is missing, truncated, not ours, of a newer schema, or inconsistent.
    """
    path = Path(path)
    text, arrays = _read(path)
    header = _header(path, text)
    correction = _assemble(path, header, arrays)
    basis, S = correction.basis, correction.basis.species
    expected = {
        "reference_energies": (len(header.elements),),
        "offsets": (len(header.elements),),
        "weights": (S, basis.features),
        "covariance_root": (1 + len(header.elements) + basis.columns,) * 2,
    }
    held = {name: getattr(correction, name) for name in expected}
    if correction.gate is not None:
        expected |= {
            "gate_center": (S, basis.features),
            "gate_spectrum": (S, len(descriptor_weights(basis))),
            "gate_core": (S, basis.pair_features),
            **{GATE[name]: (S,) for name in ("precision", "inner", "outer", "emptiness", "crowded")},
        }
        held |= {GATE[name]: value for name, value in correction.gate._asdict().items()}
    if basis.anchors is not None:
        each = basis.many_features
        expected |= {
            "anchors_spectra": (S, each, basis.many_size),
            "anchors_whitening": (S, each, each),
            "anchors_emptiness": (S,),
        }
        held |= {ANCHORS[name]: value for name, value in basis.anchors._asdict().items()}
    if correction.site_energies is not None:
        expected["site_energies"] = (len(header.elements),)
        held["site_energies"] = correction.site_energies
    for name, shape in expected.items():
        if held[name].shape != shape:
            raise SoftfixError(f"{path} is damaged: {name} has the shape {held[name].shape}, not {shape}.")
        if not np.isfinite(held[name]).all():
            raise SoftfixError(f"{path} is damaged: {name} holds numbers that are not finite.")
    return correction


def _read(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise SoftfixError(f"{path} does not exist: give the .softfix file that `softfix fit` wrote.")
    try:
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise SoftfixError(f"{path} is truncated or not a correction file ({error}): write it again.") from error
    if "softfix" not in metadata:
        raise SoftfixError(f"{path} is a safetensors file, but not a softfix correction.")
    return metadata["softfix"], arrays


def _header(path: Path, text: str) -> Header:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise SoftfixError(f"{path} is damaged: its header is not JSON ({error}).") from error
    schema = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(schema, int) or content.get("format") != FORMAT:
        raise SoftfixError(f"{path} is not a softfix correction.")
    if schema > SCHEMA:
        raise SoftfixError(
            f"{path} has schema {schema}, written by softfix {content.get('softfix_version')}; "
            f"this softfix {softfix.__version__} reads up to schema {SCHEMA}: upgrade softfix."
        )
    try:
        return Header.model_validate(content)
    except ValidationError as error:
        raise SoftfixError(f"{path} is damaged: header entry {first_fault(error)}.") from error


def _assemble(path: Path, header: Header, arrays: dict[str, np.ndarray]) -> Correction:
    from ase.data import atomic_numbers

    if unknown := [symbol for symbol in header.elements if symbol not in atomic_numbers]:
        raise SoftfixError(f"{path} is damaged: '{unknown[0]}' is not an element.")
    if missing := [name for name in ARRAYS if name not in arrays]:
        raise SoftfixError(f"{path} is damaged: it lacks the array {missing[0]}.")
    elements = tuple(atomic_numbers[symbol] for symbol in header.elements)
    if list(elements) != sorted(set(elements)) or header.basis.species not in (len(elements), fewest(elements)):
        raise SoftfixError(f"{path} is damaged: its elements {', '.join(header.elements)} are out of order.")
    basis = Basis(**header.basis.model_dump(), anchors=_anchors(path, arrays))
    return Correction(
        base=header.base,
        elements=elements,
        basis=basis,
        scale=float(arrays["scale"].reshape(())),
        reference_energies=arrays["reference_energies"],
        offsets=arrays["offsets"],
        weights=arrays["weights"],
        covariance_root=arrays["covariance_root"].astype(np.float64),
        data=header.data,
        fit=header.fit,
        gate=_gate(path, header.schema_version, basis, arrays),
        site_energies=arrays.get("site_energies"),
        licence=header.licence,
        created=header.created,
    )


def _anchors(path: Path, arrays: dict[str, np.ndarray]) -> Anchors | None:
    """The anchors of a file, None where it has none."""
    stored = _parts(path, ANCHORS, arrays, {})
    if stored and stored["spectra"].ndim != 3:
        raise SoftfixError(f"{path} is damaged: anchors_spectra has the shape {stored['spectra'].shape}.")
    return Anchors(**stored) if stored else None


def _gate(path: Path, schema: int, basis: Basis, arrays: dict[str, np.ndarray]) -> Gate | None:
    """The gate of a file, None where it has none."""
    bare = {"core": np.zeros((basis.species, basis.pair_features)), "crowded": np.zeros(basis.species)}
    stored = _parts(path, GATE, arrays, bare if schema <= UNCROWDED else {})
    return Gate(**stored) if stored else None


def _parts(
    path: Path, names: dict[str, str], arrays: dict[str, np.ndarray], added: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Arrays that belong together, and those `added` to old files; nothing where the file has none of them."""
    stored = {name: arrays[key] for name, key in names.items() if key in arrays}
    if not stored:
        return {}
    stored |= added
    if missing := [key for name, key in names.items() if name not in stored]:
        raise SoftfixError(f"{path} is damaged: it lacks the array {missing[0]}.")
    return stored


def require_base(correction: Correction, base: Identity, override: bool = False) -> None:
    """Refuse another base than the one that a correction was fitted to.

    Raises:
        SoftfixError: naming both values and the override.
    """
    if override:
        return
    fitted = correction.base
    for name in ("family", "version", "package", "package_version", "weights_sha256"):
        mine, other = getattr(fitted, name), getattr(base, name)
        if mine != other:
            raise SoftfixError(
                f"The correction was fitted to {fitted.spec} ({name} {mine}), but the base is {base.spec} "
                f"({name} {other}): use that base, fit again, or pass any_base=True (--any-base) if you know why."
            )
