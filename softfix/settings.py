"""Settings of a fit: nested, validated, one sentence per field; an unknown key is an error."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from softfix.errors import SoftfixError, first_fault

T = TypeVar("T", bound=BaseModel)

SORTED = PlainSerializer(sorted, return_type=list[str], when_used="json")  # sets have no order of their own


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _prior_default(name: str) -> float:
    return json.loads(files("softfix").joinpath("priors/default.json").read_text())[name]


def _prior(name: str, description: str) -> Any:
    return Field(default_factory=lambda: _prior_default(name), gt=0, description=description)


class BasisSettings(_Settings):
    """What the surroundings of an atom are described with."""

    pair_cutoff: float = Field(6.0, gt=1.0, le=12.0, description="Reach of the pair terms in Å.")
    pair_count: int = Field(12, ge=1, le=40, description="Number of radial functions of the pair terms.")
    three_cutoff: float = Field(6.0, gt=1.0, le=12.0, description="Reach of the three-body terms in Å.")
    three_count: int = Field(8, ge=0, le=20, description="Largest number of radial functions of the three-body terms.")
    l_max: int = Field(3, ge=0, le=3, description="Largest degree of the three-body terms.")
    many_count: int = Field(6, ge=1, le=12, description="Number of radial functions of the many-body terms.")
    anchors: int = Field(100, ge=0, description="Surroundings of the fit that the many-body terms compare with.")
    alike: bool = Field(
        True, description="Elements in one group of the second and third transition series may share functions."
    )
    max_columns: int = Field(1150, ge=50, description="Most weights; three_count shrinks until they fit.")


class PriorSettings(_Settings):
    """Absolute sizes of the weights before any frame is seen (eV), and how freely the evidence may change them."""

    scale: float = _prior("scale", "Standard deviation of c - 1, the softening scale.")
    scale_highest: float = Field(1.0, ge=0.0, description="c - 1 is no more; it is no less than -1 in any case.")
    scale_width: float = _prior("scale_width", "Width of ln(scale).")
    pair: float = _prior("pair", "Amplitude of the pair weights in eV.")
    pair_width: float = _prior("pair_width", "Width of ln(pair).")
    three_body: float = _prior("three_body", "Amplitude of the three-body weights in eV.")
    three_body_width: float = _prior("three_body_width", "Width of ln(three_body).")
    many_body: float = _prior("many_body", "Amplitude of the many-body weights in eV.")
    many_body_width: float = _prior("many_body_width", "Width of ln(many_body).")
    offset: float = _prior(
        "offset", "Standard deviation of the composition offsets in eV/atom, after a first estimate."
    )
    pair_smoothness: float = _prior("pair_smoothness", "Radial index from which the pair weights fall.")
    three_body_smoothness: float = _prior("three_body_smoothness", "Radial index from which three-body weights fall.")
    smoothness_power: float = _prior("smoothness_power", "Power of that fall.")


class NoiseSettings(_Settings):
    """Size of what the model cannot explain, as medians; the evidence adapts them within `width`."""

    energy: float = Field(0.001, gt=0, description="eV/atom; the evidence may find less; more if forces contradict.")
    forces: float = Field(0.02, gt=0, description="eV/Å; no less than this, or forces_relative if that is larger.")
    forces_relative: float = Field(0.15, ge=0, description="Fraction of the base's force error (rms).")
    forces_floor: float = Field(0.001, ge=0, description="Fraction of the base's force error never explained.")
    stress: float = Field(0.005, gt=0, description="eV/Å^3.")
    stress_trust: float = Field(
        0.01, gt=0, description="eV/Å^3; how far the correction may change the stress of frames without that label."
    )
    width: float = Field(0.4, gt=0, description="Width of the logarithm of every noise.")
    force_scale: float = Field(2.0, gt=0, description="eV/Å; noise grows with forces beyond it.")


class GateSettings(_Settings):
    """How far from the surroundings of the fit a correction reaches."""

    margin: float = Field(2.0, ge=1, description="It is whole up to this multiple of the largest deviation in the fit.")
    least: float = Field(0.1, gt=0, description="It is whole up to this deviation in any case; gone at three times.")
    length: float = Field(0.25, gt=0, description="Least reach of the Gaussian of a local correction, as a distance.")
    reach: float = Field(9.0, ge=0, description="Its further reach, in variances of the fit's own surroundings.")


class TrustSettings(_Settings):
    """How firmly the base is held to in surroundings that no frame of the fit has, and as volumes change."""

    structures: int = Field(10, ge=0, description="Slabs, voids, vacancies, melts, strained cells made of the frames.")
    relative: float = Field(0.2, gt=0, description="Relative change of a force that counts as one deviation there.")
    floor: float = Field(0.03, gt=0, description="eV/Å; change of a force that counts in any case.")
    at_rest: float = Field(0.35, gt=0, le=1, description="Share of both where the forces of the fit nearly vanish.")
    near: float = Field(2.0, ge=0, description="Remoteness up to which surroundings count as known.")
    far: float = Field(6.0, gt=0, description="Remoteness from which they count as unknown.")
    exchanged: int = Field(
        36, ge=0, description="Most frames in which elements are exchanged, where compositions differ."
    )
    energy: float = Field(0.01, gt=0, description="eV/atom; change of an energy there that counts in any case.")
    pressure: float = Field(0.003, gt=0, description="Share of the bulk modulus; change of a stress there likewise.")
    compressed: int = Field(3, ge=0, description="Frames expanded or compressed, for the bulk modulus.")
    bulk: float = Field(0.1, gt=0, description="Relative change of the bulk modulus that counts as one deviation.")
    stress: float = Field(
        0.01, gt=0, description="Share of it by which stresses without a label change, if less than noise.stress_trust."
    )

    @model_validator(mode="after")
    def _in_order(self) -> TrustSettings:
        if self.far <= self.near:
            raise ValueError("far must be larger than near")
        return self


class FitSettings(_Settings):
    """Everything that a fit can be told."""

    terms: Annotated[frozenset[Literal["scale", "pair", "three_body", "many_body"]], SORTED] = Field(
        frozenset({"scale", "pair", "three_body", "many_body"}),
        description="Parts of the correction: scale, pair, three_body, many_body.",
    )
    labels: Annotated[frozenset[Literal["energy", "forces", "stress"]], SORTED] = Field(
        frozenset({"energy", "forces", "stress"}),
        description="Labels that are fitted where frames have them.",
    )
    basis: BasisSettings = BasisSettings()
    prior: PriorSettings = Field(default_factory=PriorSettings)
    noise: NoiseSettings = NoiseSettings()
    domain: Literal["auto", "local", "global"] = Field(
        "auto",
        description="local: fades soon away from the surroundings of the fit; global: does not; "
        "auto: whichever does better on frames left out, or has the evidence of one frame.",
    )
    gate: GateSettings = GateSettings()
    trust: TrustSettings = TrustSettings()
    max_steps: int = Field(60, ge=0, description="Most Newton steps of the evidence; 0 keeps the medians.")


def read_settings(path: str | Path, kind: type[T] = FitSettings) -> T:  # type: ignore[assignment]
    """Settings of a fit, or of another `kind`, from a TOML, JSON or YAML file.

    Raises:
        SoftfixError: naming the key that is unknown or the value that does not fit.
    """
    path = Path(path)
    try:
        return kind.model_validate(_load(path))
    except FileNotFoundError as error:
        raise SoftfixError(f"{path} does not exist.") from error
    except ValidationError as error:
        raise SoftfixError(f"{path}: setting {first_fault(error)} (given: {error.errors()[0]['input']!r}).") from error
    except ValueError as error:  # TOML and JSON errors
        raise SoftfixError(f"{path} cannot be read: {error}.") from error


def _load(path: Path) -> dict:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return tomllib.loads(text)
    if path.suffix == ".json":
        return json.loads(text)
    if path.suffix in (".yaml", ".yml"):
        import yaml

        try:
            return yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(error).split())) from error
    raise SoftfixError(f"{path}: settings are read from .toml, .json or .yaml files.")
