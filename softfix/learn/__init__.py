"""Learning on the fly: a driver runs on the corrected potential, and DFT is asked only where that is unsure."""

from softfix.learn.calculator import LearningCalculator
from softfix.learn.learner import Event, Learner
from softfix.learn.run import Learned, learn
from softfix.learn.settings import LearnSettings

__all__ = ["Event", "LearnSettings", "Learned", "Learner", "LearningCalculator", "learn"]
