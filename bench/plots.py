"""Results as pictures (SVG and PNG): bars for every scenario, curves of latency percentiles.

Owns matplotlib; without it there are no pictures.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import CaseInfo, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_INCHES = 9.0
_PERCENTILES = ("50", "90", "99", "99.9", "100")


def draw(results: Results, directory: Path) -> dict[str, Path]:
    """Draw every scenario; title -> the SVG. Empty when matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return {}
    import matplotlib

    matplotlib.use("agg")
    figures = dict([*_bar_charts(results), *_latency_curves(results)])
    return {title: _save(figure, title, directory) for title, figure in figures.items()}


def _bar_charts(results: Results) -> Iterator[tuple[str, "Figure"]]:
    kinds = dict.fromkeys((case.scenario, case.unit) for case in results.cases)
    for scenario, unit in kinds:
        cases = [case for case in results.cases if (case.scenario, case.unit) == (scenario, unit)]
        shown = [case for case in cases if any(results.values(case.identity, name) for name in results.targets)]
        if shown:
            yield f"{scenario}, {unit}", _bars(results, shown, f"{scenario}, {unit}")


def _bars(results: Results, cases: list[CaseInfo], title: str) -> "Figure":
    targets = [name for name in results.targets if any(results.values(case.identity, name) for case in cases)]
    count = len(targets)
    figure, axes = _figure(1.2 + 0.25 * len(cases) * (count + 1))
    for index, name in enumerate(targets):
        _bars_of_target(axes, results, cases, name, (index + 0.5) / (count + 1), 0.9 / (count + 1))
    axes.set_yticks([row + count / 2 / (count + 1) for row in range(len(cases))], [_label(case) for case in cases])
    axes.invert_yaxis()
    # Brokers differ by orders of magnitude.
    axes.set_xscale("log")
    axes.set_xlabel(cases[0].unit)
    axes.set_title(title)
    axes.legend()
    return figure


def _bars_of_target(
    axes: "Axes", results: Results, cases: list[CaseInfo], name: str, offset: float, height: float
) -> None:
    found = [(row, s) for row, case in enumerate(cases) if (s := results.summary(case.identity, name)) is not None]
    places = [row + offset for row, _ in found]
    medians = [summary.median for _, summary in found]
    errors = [[s.median - s.low for _, s in found], [s.high - s.median for _, s in found]]
    axes.barh(places, medians, height, xerr=errors, label=results.targets[name].title, color=_colour(results, name))


def _latency_curves(results: Results) -> Iterator[tuple[str, "Figure"]]:
    for case in results.cases:
        curves = {name: curve for name in results.targets if (curve := _curve(results, case, name))}
        if curves:
            title = f"latency, {_label(case).removeprefix('p99 ')}"
            yield title, _latency_figure(results, curves, title)


def _curve(results: Results, case: CaseInfo, target: str) -> list[float]:
    values = [results.metric(case.identity, target, f"latency_p{percent}_ms") for percent in _PERCENTILES]
    return [value for value in values if value is not None]


def _latency_figure(results: Results, curves: dict[str, list[float]], title: str) -> "Figure":
    figure, axes = _figure(4.0)
    for name, curve in curves.items():
        axes.plot(range(len(curve)), curve, marker="o", label=results.targets[name].title, color=_colour(results, name))
    axes.set_xticks(range(len(_PERCENTILES)), [f"{percent} %" for percent in _PERCENTILES])
    axes.set_yscale("log")
    axes.set_ylabel("ms since the message was due")
    axes.set_title(title)
    axes.legend()
    return figure


def _colour(results: Results, name: str) -> str:
    """A target has the same colour in all pictures."""
    return f"C{list(results.targets).index(name)}"


def _figure(height_inches: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    return figure, figure.add_subplot()


def _label(case: CaseInfo) -> str:
    return case.name if case.promise == "memory" else f"{case.name} ({case.promise})"


def _save(figure: "Figure", title: str, directory: Path) -> Path:
    words = "".join(letter if letter.isalnum() else " " for letter in title).split()
    stem = "-".join(words)
    figure.savefig(directory / f"{stem}.png", dpi=120)
    # That has found the layout, which takes longer than to draw it.
    figure.set_layout_engine("none")
    path = directory / f"{stem}.svg"
    figure.savefig(path)
    return path
