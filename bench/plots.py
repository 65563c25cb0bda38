"""Results as pictures (SVG and PNG): throughput bars and latency curves. Owns matplotlib; without it there are none."""

from importlib.util import find_spec
from pathlib import Path

from bench.results import CaseInfo, Results

_WIDTH_INCHES = 9.0


def draw(results: Results, directory: Path) -> dict[str, Path]:
    """Draw every scenario; title -> the SVG. Empty when matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return {}
    import matplotlib

    matplotlib.use("agg")
    drawn: dict[str, Path] = {}
    for scenario in dict.fromkeys(case.scenario for case in results.cases):
        for unit in dict.fromkeys(case.unit for case in results.cases if case.scenario == scenario):
            cases = [case for case in results.cases if case.scenario == scenario and case.unit == unit]
            title = f"{scenario}, {unit}"
            path = _bars(results, cases, title, directory)
            if path is not None:
                drawn[title] = path
    return drawn


def _bars(results: Results, cases: list[CaseInfo], title: str, directory: Path) -> Path | None:
    from matplotlib.figure import Figure

    shown = [case for case in cases if any(results.summary(case.identity, name) for name in results.targets)]
    if not shown:
        return None
    count = len(results.targets)
    figure = Figure(figsize=(_WIDTH_INCHES, 1.2 + 0.25 * len(shown) * (count + 1)), layout="constrained")
    axes = figure.add_subplot()
    for index, (name, info) in enumerate(results.targets.items()):
        bars = [(row, s) for row, case in enumerate(shown) if (s := results.summary(case.identity, name)) is not None]
        places = [row + (index + 0.5) / (count + 1) for row, _ in bars]
        medians = [summary.median for _, summary in bars]
        errors = [[s.median - s.low for _, s in bars], [s.high - s.median for _, s in bars]]
        axes.barh(places, medians, 0.9 / (count + 1), xerr=errors, label=info.title)
    axes.set_yticks([row + count / 2 / (count + 1) for row in range(len(shown))], [_label(case) for case in shown])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(shown[0].unit)
    axes.set_title(title)
    axes.legend()
    return _save(figure, title, directory)


def _label(case: CaseInfo) -> str:
    return case.name if case.promise == "memory" else f"{case.name} ({case.promise})"


def _save(figure: object, title: str, directory: Path) -> Path:
    from matplotlib.figure import Figure

    assert isinstance(figure, Figure)
    stem = "".join(letter if letter.isalnum() else "-" for letter in title)
    figure.savefig(directory / f"{stem}.png", dpi=120)
    path = directory / f"{stem}.svg"
    figure.savefig(path)
    return path
