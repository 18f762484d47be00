"""Promises: scores and truths in, thresholds with evidence out."""

from __future__ import annotations

from objectif.promises.calibration import Calibration
from objectif.promises.checking import Check, check
from objectif.promises.fit import fit
from objectif.promises.ranking import work
from objectif.promises.record import Best, Outcome, Record
from objectif.promises.rule import Guard, Rule

__all__ = ["Best", "Calibration", "Check", "Guard", "Outcome", "Record", "Rule", "check", "fit", "work"]
