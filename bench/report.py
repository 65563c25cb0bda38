"""Results as tables: for the terminal and as one Markdown report.

Owns the presentation, nothing of the arithmetic.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from rich.markup import escape
from rich.table import Table

from bench.errors import UsageError
from bench.results import CaseInfo, Results

_PROMISES = {
    "memory": "transient",
    "write": "persistent, confirmed once written to the page cache",
    "fsync": "persistent, confirmed once synced to the disk",
}
HEADLINE_BEGIN, HEADLINE_END = "<!-- bench:begin -->", "<!-- bench:end -->"
OWN = "mqbroker"
"""What the names of our own targets begin with."""
_STEPS = ((1e6, "M"), (1e3, "k"))


def number(value: float) -> str:
    """Three significant digits, in thousands or millions where that is shorter."""
    for step, letter in _STEPS:
        if value >= step:
            return f"{value / step:.3g}{letter}"
    return f"{value:.3g}"


def ratio_text(ratio: float | None) -> str:
    """A ratio as people say it."""
    return "" if ratio is None else f"{ratio:.1f}x" if ratio >= 0.1 else f"{ratio:.2g}x"


def _cell(results: Results, case: CaseInfo, target: str, baseline: str | None) -> tuple[str, str, str]:
    """Median with unit, spread, ratio."""
    summary = results.summary(case.identity, target)
    if summary is None:
        tried = any(s.case == case.identity and s.target == target for s in results.samples)
        return "void" if tried else "", "", ""
    base = _stand_in(results, case, baseline)
    ratio = results.ratio(case.identity, target, base) if base and base != target else None
    return f"{number(summary.median)} {case.unit}", f"±{summary.spread:.0%}", ratio_text(ratio)


def _stand_in(results: Results, case: CaseInfo, baseline: str | None) -> str | None:
    """The baseline, or the first other broker where the baseline takes no part: RabbitMQ has no QoS 2."""
    if baseline is None or results.summary(case.identity, baseline) is not None:
        return baseline
    peers = (name for name in results.targets if not name.startswith(OWN))
    return next((name for name in peers if results.summary(case.identity, name) is not None), baseline)


def terminal_table(results: Results, baseline: str | None) -> Table:
    """The table that a run ends with."""
    table = Table(title=f"median of the repetitions, ± half their range{_against(results, baseline)}")
    table.add_column("scenario")
    table.add_column("case")
    for info in results.targets.values():
        table.add_column(escape(info.title), justify="right")
    last = ""
    for case in results.cases:
        cells = [" ".join(filter(None, _cell(results, case, name, baseline))) for name in results.targets]
        table.add_row("" if case.scenario == last else case.scenario, escape(_row_name(case)), *cells)
        last = case.scenario
    return table


def _row_name(case: CaseInfo) -> str:
    return case.name if case.promise == "memory" else f"{case.name} ({case.promise})"


def _against(results: Results, baseline: str | None) -> str:
    return f", ratio to {results.targets[baseline].title}" if baseline in results.targets else ""


def markdown(results: Results, baseline: str | None, plots: dict[str, Path]) -> str:
    """The whole report. plots: title -> image, shown by relative name."""
    return "\n".join(_lines(results, baseline, plots)) + "\n"


def _lines(results: Results, baseline: str | None, plots: dict[str, Path]) -> Iterator[str]:
    yield "# Benchmark report"
    yield ""
    yield from (f"- {name}: {value}" for name, value in (results.machine | results.settings).items())
    yield from _load(results)
    yield ""
    yield from _durability(results)
    for scenario in dict.fromkeys(case.scenario for case in results.cases):
        yield from ("", f"## {scenario}", "")
        yield from _markdown_table(results, scenario, baseline)
        yield from _usage_table(results, scenario)
    for title, path in plots.items():
        yield from ("", f"![{title}]({path.name})")
    yield from _problems(results)


def _durability(results: Results) -> Iterator[str]:
    yield "What a confirm means; only equal promises are compared with each other:"
    yield ""
    yield "| target | version | " + " | ".join(_PROMISES.values()) + " |"
    yield "|---|---|" + "---|" * len(_PROMISES)
    for info in results.targets.values():
        kept = " | ".join(info.durability.get(promise, "") for promise in _PROMISES)
        yield f"| {info.title} | {info.version} | {kept} |"


def _markdown_table(results: Results, scenario: str, baseline: str | None) -> Iterator[str]:
    yield from _table_head("case", results)
    for case in results.cases:
        if case.scenario == scenario:
            yield _markdown_row(_row_name(case), results, case, baseline)


def _table_head(first: str, results: Results) -> Iterator[str]:
    yield f"| {first} | " + " | ".join(info.title for info in results.targets.values()) + " |"
    yield "|---|" + "---:|" * len(results.targets)


def _markdown_row(label: str, results: Results, case: CaseInfo, baseline: str | None) -> str:
    cells = [_markdown_cell(*_cell(results, case, name, baseline)) for name in results.targets]
    return f"| {label} | " + " | ".join(cells) + " |"


def _markdown_cell(value: str, spread: str, ratio: str) -> str:
    return " ".join(filter(None, [value, spread, f"**{ratio}**" if ratio else ""]))


def _load(results: Results) -> Iterator[str]:
    """What else limits the figures: the driver, if it is busy, and other processes on the machine."""
    for name, text in (("driver_busy", "the load driver's processes"), ("foreign_busy", "processes outside the bench")):
        found = [sample.metrics[name] for sample in results.samples if name in sample.metrics]
        if found:
            yield f"- cores kept busy by {text}: {median(found):.2f} in the median, {max(found):.2f} at most"


def _usage_table(results: Results, scenario: str) -> Iterator[str]:
    """CPU seconds and context switches per million messages, where they were measured."""
    rows = [row for case in results.cases if case.scenario == scenario for row in _usage_row(results, case)]
    if rows:
        yield ""
        yield "CPU seconds / context switches of the broker per million messages:"
        yield ""
        yield from _table_head("case", results)
        yield from rows


def _usage_row(results: Results, case: CaseInfo) -> Iterator[str]:
    cells = []
    for name in results.targets:
        cpu = results.metric(case.identity, name, "cpu_seconds_per_million")
        switches = results.metric(case.identity, name, "context_switches_per_million")
        cells.append("" if cpu is None or switches is None else f"{cpu:.3g} s / {number(switches)}")
    if any(cells):
        yield f"| {_row_name(case)} | " + " | ".join(cells) + " |"


def with_headline(text: str, results: Results, baseline: str) -> str:
    """A text with the headline figures put between its marks. UsageError when it has no marks."""
    before, begin, rest = text.partition(HEADLINE_BEGIN)
    _, end, after = rest.partition(HEADLINE_END)
    if not begin or not end:
        raise UsageError(f"the text has no {HEADLINE_BEGIN} and {HEADLINE_END}")
    return before + begin + "\n" + "\n".join(_headline(results, baseline)) + "\n" + end + after


def _headline(results: Results, baseline: str) -> Iterator[str]:
    yield from _table_head("scenario", results)
    for case in results.cases:
        if case.headline:
            yield _markdown_row(f"{case.scenario}: {_row_name(case)}", results, case, baseline)
    versions = "; ".join(info.version for info in results.targets.values())
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    yield ""
    first = results.targets[baseline].title
    yield f"Medians ± half the range of the repetitions, **ratio** to {first}, without it to the next peer. {versions}."
    yield f"Measured on: {machine}. Made by `python -m bench run` and `python -m bench readme`."


def _problems(results: Results) -> Iterator[str]:
    problems = problems_by_reason(results)
    if problems:
        yield from ("", "## Void measurements", "")
        for (target, reason), cases in problems.items():
            yield f"- {target}: {'; '.join(cases)}"
            yield from ("", "  ```", *(f"  {line}" for line in reason.splitlines()), "  ```")


def problems_by_reason(results: Results) -> dict[tuple[str, str], list[str]]:
    """The cases that are void, by target and reason: one reason often spoils them all."""
    found: dict[tuple[str, str], list[str]] = {}
    for sample in results.problems():
        cases = found.setdefault((sample.target, sample.faults or sample.error), [])
        if sample.case not in cases:
            cases.append(sample.case)
    return found
