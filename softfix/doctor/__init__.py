"""The data doctor: what is wrong with DFT frames, before a fit learns it."""

from softfix.doctor.examine import CHECKS, diagnosis, examine
from softfix.doctor.finding import Diagnosis, Finding, FrameName, Value
from softfix.doctor.subject import Subject

__all__ = ["CHECKS", "Diagnosis", "Finding", "FrameName", "Subject", "Value", "diagnosis", "examine"]
