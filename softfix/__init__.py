"""Correct the systematic softening of universal interatomic potentials from a few DFT frames."""

__version__ = "0.1.0"
