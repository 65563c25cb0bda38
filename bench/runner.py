"""Runs a session: every case on every target, repetitions interleaved, results collected as they come.

Owns the order of measurements and what a failure of one of them means: the cell is void, the session goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench import machine
from bench.errors import BenchError, UsageError
from bench.results import CaseInfo, Results, Sample, TargetInfo
from bench.scenarios.base import Case, Depth, Scenario, Site
from bench.targets.base import Promise, Target
from bench.targets.registry import Fleet

Progress = Callable[[str, int, int], None]
"""Called before each measurement with what it is, how many are done and how many there are."""


@dataclass(frozen=True)
class Settings:
    """How long and how often. depth: which cases; pause: seconds between measurements."""

    seconds: float = 1.5
    repetitions: int = 3
    depth: Depth = Depth.NORMAL
    pause: float = 0.2

    def described(self) -> dict[str, str]:
        """For the report."""
        return {
            "seconds per measurement": f"{self.seconds:g}",
            "repetitions": str(self.repetitions),
        }


THOROUGH = Settings(seconds=5.0, repetitions=5, depth=Depth.THOROUGH)
QUICK = Settings(seconds=0.7, repetitions=2, depth=Depth.QUICK, pause=0.1)


def info_of(scenario: Scenario, case: Case) -> CaseInfo:
    """A case as the results know it."""
    headline = case.depth is Depth.QUICK
    return CaseInfo(
        scenario.name, case.name, case.unit, case.promise.value, case.higher_is_better, headline, case.protocol
    )


def _takes_part(target: Target, case: Case) -> bool:
    is_able = target.speaks(case.protocol) and target.keeps(case.promise) and not case.needs & target.lacks
    return is_able and target.can_serve(case.relayable, case.plain)


class Session:
    """One run of the harness. only: a text that the names of the measured cases contain.

    keep: called with the results so far after each case, so that little is lost when the harness is killed.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        fleet: Fleet,
        settings: Settings,
        progress: Progress,
        only: str = "",
        keep: Callable[[Results], None] = lambda results: None,
    ) -> None:
        self._fleet = fleet
        self._settings = settings
        self._progress = progress
        self._keep = keep
        self._plan = [
            (info_of(scenario, case), case)
            for scenario in scenarios
            for case in scenario.cases
            if case.depth <= settings.depth and only in case.name and self._targets(case)
        ]
        if not self._plan:
            raise UsageError("no case is left of the chosen scenarios")
        self.results = Results(machine.describe(), settings.described(), self._describe_targets())

    def _describe_targets(self) -> dict[str, TargetInfo]:
        return {
            name: TargetInfo(
                target.title, target.version(), {p.value: target.durability(p) for p in Promise}, target.reference_for
            )
            for name, target in self._fleet.members.items()
        }

    def run(self) -> Results:
        """Measure everything. What was measured so far is in `results` even when this is interrupted."""
        total = sum(len(self._targets(case)) * self._repetitions(case) for _, case in self._plan)
        for info, case in self._plan:
            self.results.cases.append(info)
            for repetition in range(self._repetitions(case)):
                for name in self._targets(case):
                    self._progress(f"{info.identity}, {name}", len(self.results.samples), total)
                    start_at = time.monotonic()
                    sample = self._measure(info, case, name, repetition)
                    self.results.samples.append(replace(sample, took=round(time.monotonic() - start_at, 1)))
                    time.sleep(self._settings.pause)
            self._keep(self.results)
        return self.results

    def _repetitions(self, case: Case) -> int:
        return 1 if case.once else self._settings.repetitions

    def _targets(self, case: Case) -> list[str]:
        return [name for name, target in self._fleet.members.items() if _takes_part(target, case)]

    def _measure(self, info: CaseInfo, case: Case, name: str, repetition: int) -> Sample:
        target: Target | None = None
        try:
            with self._fleet.running(name, case.promise, case.fresh) as target:
                endpoint = target.endpoint(case.protocol)
                assert endpoint is not None
                taken = case.measure(Site(target, case.promise, endpoint, self._settings.seconds))
        except (BenchError, OSError) as error:
            words = target.last_words() if target is not None else ""
            reason = f"{type(error).__name__}: {error}" + (f" (its log ends: {words})" if words else "")
            return Sample(info.identity, name, repetition, 0.0, error=reason)
        return Sample(info.identity, name, repetition, taken.value, taken.metrics, taken.faults)
