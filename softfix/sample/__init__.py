"""Structures to label, made from nothing but a crystal: high-energy, minimalist, strain, phonon and path recipes."""

from softfix.sample.run import Sampled, sample
from softfix.sample.settings import SampleSettings

__all__ = ["SampleSettings", "Sampled", "sample"]
