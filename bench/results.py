"""The results of a session: samples, and what they come to. Stored as one JSON file.

Owns the data and its arithmetic: medians, spreads, ratios. Knows neither brokers nor how results are shown.
Repetitions are interleaved (A B A B), so sample i of two targets were taken next to each other, and the ratio of two
targets is the median of the ratios of such pairs: slow drift of the machine cancels.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.errors import UsageError

FORMAT_VERSION = 1


@dataclass(frozen=True)
class CaseInfo:
    """A row: what was measured. identity is unique within a session and the same in the next one.

    headline: one of the few figures to show first. protocol: what the targets are compared at.
    """

    scenario: str
    name: str
    unit: str
    promise: str
    higher_is_better: bool
    headline: bool = True
    protocol: str = "amqp"

    @property
    def identity(self) -> str:
        """Scenario, case and promise."""
        return f"{self.scenario}: {self.name} [{self.promise}]"


@dataclass(frozen=True)
class Sample:
    """One repetition. error: why there is no value; faults: why the value is void; both usually "".

    note: what a reader of the value must know, usually "". took: seconds of everything, with starting and declaring.
    """

    case: str
    target: str
    repetition: int
    value: float
    metrics: dict[str, float] = field(default_factory=dict)
    faults: str = ""
    error: str = ""
    took: float = 0.0
    note: str = ""

    @property
    def valid(self) -> bool:
        """Whether the value may be used."""
        return not self.faults and not self.error


@dataclass(frozen=True)
class TargetInfo:
    """A column: a broker. durability: promise -> how it keeps it; reference_for: see `Results.reference`."""

    title: str
    version: str
    durability: dict[str, str]
    reference_for: Sequence[str] = ()


def _rank(info: TargetInfo, protocol: str) -> int:
    """How well a target serves as a reference: 0 is best."""
    return 0 if protocol in info.reference_for else 1 if info.reference_for else 2


@dataclass
class Results:
    """Everything a session found out."""

    machine: dict[str, str]
    settings: dict[str, str]
    targets: dict[str, TargetInfo]
    cases: list[CaseInfo] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def values(self, case: str, target: str) -> list[float]:
        """The valid values of a cell, in the order of the repetitions."""
        return [sample.value for sample in self._cell(case, target) if sample.valid]

    def _cell(self, case: str, target: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.case == case and sample.target == target]

    def summary(self, case: str, target: str) -> "Summary | None":
        """The median and spread of a cell, or None when there is no valid value."""
        values = self.values(case, target)
        return Summary(median(values), min(values), max(values), len(values)) if values else None

    def metric(self, case: str, target: str, name: str) -> float | None:
        """The median of a further metric of a cell, or None."""
        found = [s.metrics[name] for s in self._cell(case, target) if s.valid and name in s.metrics]
        return median(found) if found else None

    def ratio(self, case: str, target: str, baseline: str) -> float | None:
        """Target to baseline, by pairs of neighbouring repetitions; None when either is missing."""
        own = {s.repetition: s.value for s in self._cell(case, target) if s.valid}
        theirs = {s.repetition: s.value for s in self._cell(case, baseline) if s.valid}
        pairs = [own[number] / theirs[number] for number in own.keys() & theirs.keys() if theirs[number]]
        return median(pairs) if pairs else None

    def reference(self, case: str, baseline: str | None) -> str | None:
        """What the ratios of a case refer to: the baseline if one was chosen and takes part, else a well-known peer.

        That is the first target which is one for the case's protocol, or for another, or else the first of all.
        """
        present = [name for name in self.targets if self.values(case, name)]
        if baseline in present:
            return baseline
        protocol = next((each.protocol for each in self.cases if each.identity == case), "")
        ranked = sorted(present, key=lambda name: _rank(self.targets[name], protocol))
        return ranked[0] if ranked else None

    def columns(self, cases: Sequence[CaseInfo]) -> list[str]:
        """The targets that take part in any of these cases."""
        wanted = {case.identity for case in cases}
        present = {sample.target for sample in self.samples if sample.case in wanted}
        return [name for name in self.targets if name in present]

    def problems(self) -> list[Sample]:
        """The samples that are void."""
        return [sample for sample in self.samples if not sample.valid]

    def save(self, path: Path) -> None:
        """Write everything as JSON, in place of what the file had, or not at all."""
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps({"format": FORMAT_VERSION, **asdict(self)}, indent=1) + "\n")
        beside.replace(path)


@dataclass(frozen=True)
class Summary:
    """A cell of the table."""

    median: float
    low: float
    high: float
    count: int

    @property
    def spread(self) -> float:
        """Half the range of the values, as a part of the median: 0.03 is plus or minus three percent."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def _target_info(data: dict[str, Any]) -> TargetInfo:
    """JSON knows no tuples."""
    return TargetInfo(**{**data, "reference_for": tuple(data.get("reference_for", ()))})


def load(path: Path) -> Results:
    """Read what `save` wrote. UsageError when it is something else."""
    try:
        data = json.loads(path.read_text())
        if data.pop("format") != FORMAT_VERSION:
            raise UsageError(f"{path} has another format version")
        return Results(
            machine=data["machine"],
            settings=data["settings"],
            targets={name: _target_info(info) for name, info in data["targets"].items()},
            cases=[CaseInfo(**case) for case in data["cases"]],
            samples=[Sample(**sample) for sample in data["samples"]],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no result file: {error}") from None
