"""Compares two result files: which cells changed by more than noise.

Owns that judgement. The noise of a cell is the sum of its spreads in both files, and at least a floor: a cell whose
repetitions scattered by 10 % cannot show a change of 5 %.
"""

from dataclasses import dataclass
from enum import Enum

from bench.results import CaseInfo, Results

NOISE_FLOOR = 0.05


class Verdict(Enum):
    """What a change means."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "within noise"


@dataclass(frozen=True)
class Change:
    """One cell in two files. ratio: after to before; noise: as a part of 1."""

    case: CaseInfo
    target: str
    before: float
    after: float
    noise: float

    @property
    def ratio(self) -> float:
        """After to before."""
        return self.after / self.before

    @property
    def verdict(self) -> Verdict:
        """Whether the change is beyond noise, and in which direction."""
        # Symmetric: half as fast and twice as fast are changes of one size.
        if 1 / (1 + self.noise) <= self.ratio <= 1 + self.noise:
            return Verdict.SAME
        return Verdict.BETTER if (self.ratio > 1) == self.case.higher_is_better else Verdict.WORSE


def compare(before: Results, after: Results) -> list[Change]:
    """Every cell that both files have."""
    known = {case.identity for case in before.cases}
    return [
        change
        for case in after.cases
        if case.identity in known
        for target in after.targets
        if (change := _change(before, after, case, target)) is not None
    ]


def _change(before: Results, after: Results, case: CaseInfo, target: str) -> Change | None:
    old, new = before.summary(case.identity, target), after.summary(case.identity, target)
    if old is None or new is None or not old.median or not new.median:
        return None
    return Change(case, target, old.median, new.median, max(NOISE_FLOOR, old.spread + new.spread))
