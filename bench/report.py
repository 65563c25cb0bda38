"""Results as tables: for the terminal and as one Markdown report.

Owns the presentation, nothing of the arithmetic.
"""

from collections.abc import Callable, Iterator, Sequence
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
    """Median with unit, spread if there is any, ratio."""
    summary = results.summary(case.identity, target)
    if summary is None:
        tried = any(s.case == case.identity and s.target == target for s in results.samples)
        return "void" if tried else "", "", ""
    reference = results.reference(case.identity, baseline)
    ratio = results.ratio(case.identity, target, reference) if reference and reference != target else None
    spread = f"±{summary.spread:.0%}" if summary.count > 1 else ""
    return f"{number(summary.median)} {case.unit}", spread, ratio_text(ratio)


def terminal_table(results: Results, baseline: str | None) -> Table:
    """The table that a run ends with."""
    table = Table(title=f"median of the repetitions, ± half their range{_against(results, baseline)}")
    table.add_column("scenario")
    table.add_column("case")
    columns = results.columns(results.cases)
    for name in columns:
        table.add_column(escape(results.targets[name].title), justify="right")
    last = ""
    for case in results.cases:
        cells = [" ".join(filter(None, _cell(results, case, name, baseline))) for name in columns]
        table.add_row("" if case.scenario == last else case.scenario, escape(_row_name(case)), *cells)
        last = case.scenario
    return table


def _row_name(case: CaseInfo) -> str:
    return case.name if case.promise == "memory" else f"{case.name} ({case.promise})"


def _against(results: Results, baseline: str | None) -> str:
    names = _references(results, baseline, results.cases)
    return f", ratio to {names}" if names else ""


def _references(results: Results, baseline: str | None, cases: Sequence[CaseInfo]) -> str:
    """What the ratios of these cases refer to, for people."""
    found = dict.fromkeys(results.reference(case.identity, baseline) for case in cases)
    return " or ".join(results.targets[name].title for name in found if name in results.targets)


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
        yield from _usage_tables(results, scenario)
    for title, path in plots.items():
        yield from ("", f"![{title}]({path.name})")
    yield from _problems(results)


def _durability(results: Results) -> Iterator[str]:
    yield "What a confirm means; only equal promises are compared, but for emulators of AWS, which keep none:"
    yield ""
    yield "| target | version | " + " | ".join(_PROMISES.values()) + " |"
    yield "|---|---|" + "---|" * len(_PROMISES)
    for info in results.targets.values():
        kept = " | ".join(info.durability.get(promise, "") for promise in _PROMISES)
        yield f"| {info.title} | {info.version} | {kept} |"


def _markdown_table(results: Results, scenario: str, baseline: str | None) -> Iterator[str]:
    cases = [case for case in results.cases if case.scenario == scenario]
    columns = results.columns(cases)
    yield from _table_head("case", results, columns, "measured")
    for case in cases:
        yield _markdown_row(_row_name(case), results, columns, case, baseline) + f" {_times(results, case, columns)} |"
    yield from _notes(results, cases)


def _times(results: Results, case: CaseInfo, columns: Sequence[str]) -> str:
    """How often, from the target that was measured least to that which was most."""
    counts = [summary.count for name in columns if (summary := results.summary(case.identity, name)) is not None]
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    return f"{most}x" if least == most else f"{least} to {most}x"


def _notes(results: Results, cases: Sequence[CaseInfo]) -> Iterator[str]:
    """What must be known to read the table above."""
    names = {case.identity: _row_name(case) for case in cases}
    found = [sample for sample in results.samples if sample.note and sample.case in names]
    if found:
        yield ""
    for sample in found:
        yield f"- {results.targets[sample.target].title}, {names[sample.case]}: {sample.note}"


def _table_head(first: str, results: Results, columns: Sequence[str], *further: str) -> Iterator[str]:
    titles = [*(results.targets[name].title for name in columns), *further]
    yield f"| {first} | " + " | ".join(titles) + " |"
    yield "|---|" + "---:|" * len(titles)


def _markdown_row(label: str, results: Results, columns: Sequence[str], case: CaseInfo, baseline: str | None) -> str:
    cells = [_markdown_cell(*_cell(results, case, name, baseline)) for name in columns]
    return f"| {label} | " + " | ".join(cells) + " |"


def _markdown_cell(value: str, spread: str, ratio: str) -> str:
    return " ".join(filter(None, [value, spread, f"**{ratio}**" if ratio else ""]))


def _load(results: Results) -> Iterator[str]:
    """What else limits the figures: the driver, if it is busy, and other processes on the machine."""
    for name, text in (("driver_busy", "the load driver's processes"), ("foreign_busy", "processes outside the bench")):
        found = [sample.metrics[name] for sample in results.samples if name in sample.metrics]
        if found:
            yield f"- cores kept busy by {text}: {median(found):.2f} in the median, {max(found):.2f} at most"


def _usage_tables(results: Results, scenario: str) -> Iterator[str]:
    """What was measured beside the value: costs, and the calls of protocols that consist of calls."""
    yield from _further_table(
        results, scenario, "CPU seconds / context switches of the broker per million messages:", _cost
    )
    yield from _further_table(results, scenario, "Calls per second, and how long a call takes:", _calls)


def _further_table(
    results: Results, scenario: str, title: str, cell: Callable[[Results, CaseInfo, str], str]
) -> Iterator[str]:
    cases = [case for case in results.cases if case.scenario == scenario]
    columns = results.columns(cases)
    rows = {_row_name(case): [cell(results, case, name) for name in columns] for case in cases}
    if any(map(any, rows.values())):
        yield from ("", title, "")
        yield from _table_head("case", results, columns)
        yield from (f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows.items() if any(cells))


def _cost(results: Results, case: CaseInfo, target: str) -> str:
    cpu = results.metric(case.identity, target, "cpu_seconds_per_million")
    switches = results.metric(case.identity, target, "context_switches_per_million")
    return "" if cpu is None or switches is None else f"{cpu:.3g} s / {number(switches)}"


def _calls(results: Results, case: CaseInfo, target: str) -> str:
    rate = results.metric(case.identity, target, "calls_per_second")
    if rate is None:
        return ""
    half, most = (results.metric(case.identity, target, f"call_{name}_ms") or 0.0 for name in ("p50", "p99"))
    shallow = results.metric(case.identity, target, "ratio_to_shallow")
    beside = f"; {ratio_text(shallow)} of a short queue's rate" if shallow is not None else ""
    return f"{number(rate)}/s, p50 {number(half)} ms, p99 {number(most)} ms{beside}"


def with_headline(text: str, results: Results) -> str:
    """A text with the headline figures put between its marks. UsageError when it has no marks."""
    before, begin, rest = text.partition(HEADLINE_BEGIN)
    _, end, after = rest.partition(HEADLINE_END)
    if not begin or not end:
        raise UsageError(f"the text has no {HEADLINE_BEGIN} and {HEADLINE_END}")
    return before + begin + "\n" + "\n".join(_headline(results)) + "\n" + end + after


def _headline(results: Results) -> Iterator[str]:
    """A table for each protocol, of the targets that speak it."""
    headlines = [case for case in results.cases if case.headline]
    for protocol in dict.fromkeys(case.protocol for case in headlines):
        cases = [case for case in headlines if case.protocol == protocol]
        columns = results.columns(cases)
        yield from _table_head("scenario", results, columns)
        for case in cases:
            yield _markdown_row(f"{case.scenario}: {_row_name(case)}", results, columns, case, None)
        yield ""
    versions = "; ".join(info.version for info in results.targets.values())
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    references = _references(results, None, headlines)
    yield f"Medians ± half the range of the repetitions, where there are any; **ratio** to {references}. {versions}."
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
