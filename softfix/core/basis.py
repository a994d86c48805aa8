"""The functions that an atom's surroundings are described with, and the table of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from softfix.core.angular import degree_of, harmonics
from softfix.core.arrays import Array
from softfix.core.radial import bessel


@dataclass(frozen=True)
class Basis:
    """Sizes of the pair and three-body expansions; hashable, so that JAX compiles once per basis.

    Per atom i, with A_{s n lm} = sum over neighbours j of species s of R_n(r_ij) Y_lm(r_ij):
    the pair features A_{s n 00} (own cutoff and count), then the power spectrum
    p_{ab l} = sum_m A_{a lm} A_{b lm} for a = (s, n) <= b = (s', n').
    The weights are separate for every species of the central atom.
    """

    species: int
    pair_cutoff: float = 6.0  # Å
    pair_count: int = 12
    three_cutoff: float = 5.0  # Å
    three_count: int = 5  # 0 switches the three-body terms off
    l_max: int = 3

    @property
    def cutoff(self) -> float:
        """Longest cutoff in Å."""
        return max(self.pair_cutoff, self.three_cutoff if self.three_count else 0.0)

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
    def features(self) -> int:
        """Number of features per atom."""
        return self.pair_features + self.three_features

    @property
    def columns(self) -> int:
        """Number of weights: features for every central species."""
        return self.species * self.features

    def table(self) -> dict[str, np.ndarray]:
        """Body order and radial index (n; the larger of n, n') of each feature of one atom."""
        a, b = self.triangle
        n = np.arange(self.species * self.three_count) % max(self.three_count, 1) + 1
        radial = np.repeat(np.maximum(n[a], n[b]) if len(a) else np.zeros(0, int), self.l_max + 1)
        pair_radial = np.tile(np.arange(1, self.pair_count + 1), self.species)
        return {
            "body": np.repeat([2, 3], [self.pair_features, self.three_features]),
            "radial": np.concatenate([pair_radial, radial]),
        }

    def edge(self, r_ij: Float[Array, "3"]) -> tuple[Float[Array, " pair"], Float[Array, "three lm"]]:
        """R_n(r) of the pair expansion and R_n(r) Y_lm(r) of the three-body expansion, of one bond."""
        r = jnp.linalg.norm(r_ij)
        pair = bessel(r, self.pair_cutoff, self.pair_count)
        radial = bessel(r, self.three_cutoff, self.three_count)
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
