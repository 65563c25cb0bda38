"""Runs a session: every case on every target, repetitions interleaved, results collected as they come.

Owns the order of measurements and what a failure of one of them means: the cell is void, the session goes on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bench import machine
from bench.errors import BenchError, ProtocolError, UsageError
from bench.forecast import Forecast
from bench.results import CaseInfo, Results, Sample, TargetInfo
from bench.scenarios.base import Case, Depth, Kept, Measurement, Scenario, Site
from bench.targets.base import Promise, Replicated, Target
from bench.targets.registry import Fleet

Progress = Callable[[str, Forecast], None]
"""Called before each measurement with what it is, and with what is done and to come."""


@dataclass(frozen=True)
class Settings:
    """How long and how often. depth: which cases; pause: seconds between measurements.

    repetitions: of headline cases; further: of the others; slow: of any case, on a target that is slow.
    """

    seconds: float = 1.0
    repetitions: int = 3
    further: int = 2
    slow: int = 1
    depth: Depth = Depth.NORMAL
    pause: float = 0.1

    def described(self) -> dict[str, str]:
        """For the report."""
        return {
            "seconds per measurement": f"{self.seconds:g}",
            "repetitions": f"{self.repetitions} of headline cases, {self.further} of others, 1 of long ones"
            f", {self.slow} on slow targets",
        }

    def repeated(self, case: Case, target: Target) -> int:
        """How often a target is measured at a case."""
        if case.once:
            return 1
        wanted = self.repetitions if case.depth <= Depth.HEADLINE else self.further
        return min(wanted, self.slow) if target.is_slow else wanted


THOROUGH = Settings(seconds=5.0, repetitions=5, further=5, slow=5, depth=Depth.THOROUGH, pause=0.2)
QUICK = Settings(seconds=0.5, repetitions=2, depth=Depth.QUICK, pause=0.05)


@dataclass(frozen=True)
class Row:
    """A case of a session. repetitions: of each target that takes part; kept: what stays between them on each."""

    info: CaseInfo
    case: Case
    repetitions: dict[str, int]
    kept: dict[str, Kept] = field(default_factory=dict)

    def interleaved(self) -> Iterator[tuple[int, str]]:
        """Repetition and target, in the order of measuring."""
        for repetition in range(max(self.repetitions.values())):
            yield from ((repetition, name) for name, count in self.repetitions.items() if repetition < count)

    def clear(self) -> None:
        """Take away what was kept. Where a target is gone, so is that."""
        for kept in self.kept.values():
            with suppress(BenchError, OSError):
                kept.clear()


def info_of(scenario: Scenario, case: Case) -> CaseInfo:
    """A case as the results know it."""
    headline = case.depth <= Depth.HEADLINE
    return CaseInfo(
        scenario.name, case.name, case.unit, case.promise.value, case.higher_is_better, headline, case.protocol
    )


def _takes_part(target: Target, case: Case) -> bool:
    is_able = target.speaks(case.protocol) and target.keeps(case.promise) and not case.needs & target.lacks
    is_able = is_able and (isinstance(target, Replicated) or not case.replicated)
    return is_able and target.can_serve(case.relayable, case.plain)


def _value(case: Case, taken: Measurement) -> float:
    if not case.metric:
        return taken.value
    if case.metric not in taken.metrics:
        raise ProtocolError("the processes of this target cannot be measured")
    return taken.metrics[case.metric]


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
        cases = [(scenario, case) for scenario in scenarios for case in scenario.cases if only in case.name]
        rows = [self._row(scenario, case) for scenario, case in cases if case.depth <= settings.depth]
        self._plan = [row for row in rows if row.repetitions]
        if not self._plan:
            raise UsageError("no case is left of the chosen scenarios")
        self._taken: dict[tuple[Callable[[Site], Measurement], Promise, str, int], Measurement] = {}
        self.results = Results(machine.describe(), settings.described(), self._describe_targets())

    def _row(self, scenario: Scenario, case: Case) -> Row:
        able = {name: target for name, target in self._fleet.members.items() if _takes_part(target, case)}
        repetitions = {name: self._settings.repeated(case, target) for name, target in able.items()}
        return Row(info_of(scenario, case), case, repetitions)

    def _describe_targets(self) -> dict[str, TargetInfo]:
        return {
            name: TargetInfo(
                target.title, target.version(), {p.value: target.durability(p) for p in Promise}, target.reference_for
            )
            for name, target in self._fleet.members.items()
        }

    def run(self) -> Results:
        """Measure everything. What was measured so far is in `results` even when this is interrupted."""
        # What needs a fresh broker comes first: the one that is started for it then serves the others too.
        rows = sorted(self._plan, key=lambda row: not row.case.fresh)
        planned = [((row.info.identity, name), row.case.takes) for row in rows for _, name in row.interleaved()]
        forecast = Forecast(planned, self._settings.seconds)
        start_at = time.monotonic()
        for row in rows:
            self._announce(row)
            try:
                self._measure_row(row, forecast)
            finally:
                row.clear()
                self.results.settings["duration"] = _minutes(time.monotonic() - start_at)
            self._keep(self.results)
        return self.results

    def _announce(self, row: Row) -> None:
        """Add a row to the results, in the order of the report."""
        begun = [*self.results.cases, row.info]
        self.results.cases = [row.info for row in self._plan if row.info in begun]

    def _measure_row(self, row: Row, forecast: Forecast) -> None:
        for repetition, name in row.interleaved():
            self._progress(f"{row.info.identity}, {name}", forecast)
            start_at = time.monotonic()
            sample = self._sample(row, name, repetition)
            took = time.monotonic() - start_at
            forecast.took(took)
            self.results.samples.append(replace(sample, took=round(took, 1)))
            time.sleep(self._settings.pause)

    def _sample(self, row: Row, name: str, repetition: int) -> Sample:
        make = partial(Sample, row.info.identity, name, repetition)
        target: Target | None = None
        try:
            with self._fleet.running(name, row.case.promise, row.case.fresh) as target:
                taken = self._measured(row, target, repetition)
                return make(_value(row.case, taken), taken.metrics, taken.faults, note=taken.note)
        except (BenchError, OSError) as error:
            words = target.last_words() if target is not None else ""
            reason = f"{type(error).__name__}: {error}" + (f" (its log ends: {words})" if words else "")
            return make(0.0, error=reason)

    def _measured(self, row: Row, target: Target, repetition: int) -> Measurement:
        """What the case's measurement found; one that another case has taken already is not taken again."""
        case = row.case
        key = case.measure, case.promise, target.name, repetition
        if key not in self._taken:
            endpoint = target.endpoint(case.protocol)
            assert endpoint is not None
            kept = row.kept.setdefault(target.name, Kept())
            site = Site(target, case.promise, endpoint, self._settings.seconds, kept)
            self._taken[key] = _undisturbed(case, site)
        return self._taken[key]


def _undisturbed(case: Case, site: Site) -> Measurement:
    """Measure. What goes wrong must not disturb the next repetition, for which everything is made anew."""
    is_sound = False
    try:
        taken = case.measure(site)
        is_sound = not taken.faults
    finally:
        if not is_sound:
            site.kept.clear()
    return taken


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"
