"""Stiffness against shear that a base lacks in all crystals alike, learned from DFT moduli of many materials.

A base's bulk moduli may be right where its shear moduli are half of DFT's. What it lacks is given as a share s of the
bulk modulus K of each crystal, so that the tensor C, as the base has it, becomes C + 2 s K P, P being the projector on
strains that keep the volume: every shear modulus grows by s K, the bulk modulus after Voigt stays. For s >= 0 no
eigenvalue of C sinks, so that no stable crystal turns unstable. Averages are those of Hill, Proc. Phys. Soc. A 65,
349 (1952), doi:10.1088/0370-1298/65/5/307.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from softfix.bases.protocol import Identity

ISOCHORIC = np.diag([1.0, 1.0, 1.0, 0.5, 0.5, 0.5])  # stress of a strain in Voigt's order; shears count twice
ISOCHORIC[:3, :3] -= 1.0 / 3.0


class Lacking(BaseModel):
    """What a base lacks, and what is left on materials that took no part in finding it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str  # spec, for the reader
    weights_sha256: str
    share: float = Field(ge=0.0)  # shear stiffness lacking, over the bulk modulus
    materials: int
    bulk_error_GPa: float  # mean absolute error of the bulk modulus after Hill
    shear_error_GPa: float


@cache
def _known() -> dict[str, Lacking]:
    text = files("softfix").joinpath("priors/stiffness.json").read_text(encoding="utf-8")
    return {each["weights_sha256"]: Lacking.model_validate(each) for each in json.loads(text)}


def lacking(identity: Identity) -> Lacking | None:
    """What is known of a base by its weights; None where nothing is."""
    return _known().get(identity.weights_sha256)


def stiffened(C: np.ndarray, share: float) -> np.ndarray:
    """Tensors (..., 6, 6) with a share of their bulk modulus added to every shear modulus, in the unit of C."""
    return C + 2.0 * share * _block(C)[..., None, None] / 9.0 * ISOCHORIC


def hill(C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bulk and shear modulus (...) of tensors (..., 6, 6), the means of Voigt's and Reuss's, in the unit of C."""
    S = np.linalg.inv(C)
    bulk = 0.5 * (_block(C) / 9.0 + 1.0 / _block(S))
    voigt = (_trace(C[..., :3, :3]) - _off(C) + 3.0 * _trace(C[..., 3:, 3:])) / 15.0
    compliance = 4.0 * _trace(S[..., :3, :3]) - 4.0 * _off(S) + 3.0 * _trace(S[..., 3:, 3:])
    return bulk, 0.5 * (voigt + 15.0 / compliance)


def _block(C: np.ndarray) -> np.ndarray:
    return C[..., :3, :3].sum(axis=(-2, -1))


def _trace(C: np.ndarray) -> np.ndarray:
    return np.trace(C, axis1=-2, axis2=-1)


def _off(C: np.ndarray) -> np.ndarray:
    return C[..., 0, 1] + C[..., 0, 2] + C[..., 1, 2]
