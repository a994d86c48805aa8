"""The functions that an atom's surroundings are described with, and the table of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from softfix.core.anchors import Anchors
from softfix.core.angular import degree_of, harmonics
from softfix.core.arrays import Array
from softfix.core.radial import bessel

SIZES = ["species", "pair_cutoff", "pair_count", "three_cutoff", "three_count", "l_max", "many_count"]


@partial(jax.tree_util.register_dataclass, data_fields=["anchors"], meta_fields=SIZES)
@dataclass(frozen=True)
class Basis:
    """Sizes of the expansions, for which JAX compiles once each, and the anchors of the many-body kernel.

    Per atom i, with A_{s n lm} = sum over neighbours j of species s of R_n(r_ij) Y_lm(r_ij):
    the pair features A_{s n 00} (own cutoff and count), then the power spectrum
    p_{ab l} = sum_m A_{a lm} A_{b lm} for a = (s, n) <= b = (s', n'), then what `softfix.core.kernel` makes of the
    likeness to the anchors. The weights are separate for every species of the central atom.
    """

    species: int
    pair_cutoff: float = 6.0  # Å
    pair_count: int = 12
    three_cutoff: float = 5.0  # Å
    three_count: int = 5  # 0 switches the three-body terms off
    l_max: int = 3
    many_count: int = 0  # radial functions of the kernel, of the cutoff of the three-body terms
    anchors: Anchors | None = field(default=None, compare=False)  # None: no many-body terms

    @property
    def cutoff(self) -> float:
        """Longest cutoff in Å."""
        return max(self.pair_cutoff, self.three_cutoff if self.radial_count else 0.0)

    @property
    def radial_count(self) -> int:
        """Number of radial functions with harmonics."""
        return max(self.three_count, self.many_count)

    @cached_property
    def triangle(self) -> tuple[np.ndarray, np.ndarray]:
        """Index pairs (a, b), a <= b, of the power spectrum."""
        return np.triu_indices(self.species * self.three_count)

    @property
    def pair_features(self) -> int:
        """Number of pair features per atom."""
        return self.species * self.pair_count

    @property
    def three_features(self) -> int:
        """Number of three-body features per atom."""
        return len(self.triangle[0]) * (self.l_max + 1)

    @property
    def many_size(self) -> int:
        """Length of the spectra that the many-body kernel compares."""
        a = self.species * self.many_count
        return a * (a + 1) // 2 * (self.l_max + 1)

    @property
    def many_features(self) -> int:
        """Number of many-body features per atom."""
        return 0 if self.anchors is None else self.anchors.each

    @property
    def features(self) -> int:
        """Number of features per atom."""
        return self.pair_features + self.three_features + self.many_features

    @property
    def columns(self) -> int:
        """Number of weights: features for every central species."""
        return self.species * self.features

    def table(self) -> dict[str, np.ndarray]:
        """Body order (4: many) and radial index (n; the larger of n, n'; 0) of each feature of one atom."""
        a, b = self.triangle
        n = np.arange(self.species * self.three_count) % max(self.three_count, 1) + 1
        radial = np.repeat(np.maximum(n[a], n[b]) if len(a) else np.zeros(0, int), self.l_max + 1)
        pair_radial = np.tile(np.arange(1, self.pair_count + 1), self.species)
        return {
            "body": np.repeat([2, 3, 4], [self.pair_features, self.three_features, self.many_features]),
            "radial": np.concatenate([pair_radial, radial, np.zeros(self.many_features, int)]),
        }

    def edge(self, r_ij: Float[Array, "3"]) -> tuple[Float[Array, " pair"], Float[Array, "three lm"]]:
        """R_n(r) of the pair expansion and R_n(r) Y_lm(r) of the others, of one bond."""
        r = jnp.linalg.norm(r_ij)
        pair = bessel(r, self.pair_cutoff, self.pair_count)
        radial = bessel(r, self.three_cutoff, self.radial_count)
        return pair, radial[:, None] * harmonics(r_ij / r, self.l_max)

    def edge_slopes(
        self, r_ij: Float[Array, "edges 3"]
    ) -> tuple[Float[Array, "edges pair 3"], Float[Array, "edges three lm 3"]]:
        """Derivatives of `edge` with respect to the bond vector, in 1/Å."""
        return jax.vmap(jax.jacfwd(self.edge))(r_ij)

    def by_degree(self) -> list[slice]:
        """Where the m = -l..l of each l stand among the lm."""
        degrees = degree_of(self.l_max)
        return [
            slice(int(np.argmax(degrees == l)), int(np.argmax(degrees == l)) + 2 * l + 1) for l in range(self.l_max + 1)
        ]
