"""The command line: `python -m bench [run|list|compare]`. Owns the options and the exit codes; measures nothing.

Exit codes: 0 done; 1 a measurement is void or a comparison found something worse; 2 the command line is wrong.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import machine, report, results
from bench.compare import Change, Verdict, compare
from bench.errors import BenchError, UsageError
from bench.forecast import Forecast
from bench.plots import draw
from bench.results import Results
from bench.runner import QUICK, THOROUGH, Session, Settings
from bench.scenarios.base import Depth
from bench.scenarios.registry import SCENARIOS, chosen
from bench.targets.registry import FACTORIES, Fleet, installed_targets

OUTPUT = Path("bench") / "output"
PIPED_WIDTH = 160
console = Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)


class DefaultRun(click.Group):
    """A group whose options without a command belong to `run`, so that `python -m bench --quick` works."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before options of its own."""
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultRun, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def main() -> None:
    """Compare message brokers: scenarios x targets, each verified, repetitions interleaved."""


@main.command("list")
def list_command() -> None:
    """Show scenarios and targets."""
    table = Table("scenario", "case", "promise", "depth", title="scenarios")
    for scenario in SCENARIOS.values():
        table.add_row(f"[bold]{scenario.name}[/bold]", f"[bold]{scenario.question}[/bold]")
        for case in scenario.cases:
            table.add_row("", case.name, case.promise.value, case.depth.name.lower())
    console.print(table)
    console.print("targets:", ", ".join(FACTORIES), markup=False)
    console.print("    or a running broker: [NAME=]amqp://user:password@host:port/vhost", markup=False)
    console.print("        or [NAME=]mqtt://user:password@host:port or [NAME=]sqs://key:secret@host:port", markup=False)
    console.print("    or the mqbroker of another environment: NAME=path/to/bin/python", markup=False)


@main.command()
@click.option("--scenario", "-s", "scenarios", multiple=True, help="Only this scenario (repeatable).")
@click.option("--target", "-t", "targets", multiple=True, help="Only this target or URL (repeatable).")
@click.option("--quick", "preset", flag_value="quick", help="A quick look: few cases, short, without slow peers.")
@click.option("--thorough", "preset", flag_value="thorough", help="Every case, long.")
@click.option("--seconds", type=float, help="Seconds of load per measurement.")
@click.option("--repetitions", "-r", type=click.IntRange(1), help="Measurements per case and target.")
@click.option("--only", help="Only cases whose name contains this text.")
@click.option("--baseline", help="The target that ratios refer to [default: a well-known one, by protocol].")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=OUTPUT, show_default=True)
def run(
    scenarios: tuple[str, ...],
    targets: tuple[str, ...],
    preset: str | None,
    seconds: float | None,
    repetitions: int | None,
    only: str | None,
    baseline: str | None,
    output: Path,
) -> None:
    """Measure all installed brokers, or those named; print a table, and write results.json, report.md and plots."""
    settings = _settings(preset, seconds, repetitions)
    machine.allow_files()
    named = targets or installed_targets(with_slow=settings.depth > Depth.QUICK)
    with _sentences(), _orderly_end(), Fleet(named) as fleet:
        if baseline and baseline not in fleet.members:
            raise UsageError(f"the baseline {baseline!r} is not among the targets")
        with _progress_bar() as bar:
            file = output / "results.json"
            output.mkdir(parents=True, exist_ok=True)
            session = Session(chosen(scenarios), fleet, settings, Reporter(bar), only or "", lambda r: r.save(file))
            try:
                session.run()
            except KeyboardInterrupt:
                console.print("interrupted: what was measured so far follows")
    _publish(session.results, baseline, output)
    sys.exit(1 if session.results.problems() else 0)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turns foreseen failures into one sentence and an exit code."""
    try:
        yield
    except BenchError as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Ended by a signal, the harness must stop the brokers it started: leave through the context managers."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _settings(preset: str | None, seconds: float | None, repetitions: int | None) -> Settings:
    base = {"quick": QUICK, "thorough": THOROUGH}.get(preset or "", Settings())
    if repetitions:
        base = replace(base, repetitions=repetitions, further=repetitions, slow=repetitions)
    return replace(base, seconds=seconds or base.seconds)


def _progress_bar() -> Progress:
    left = TextColumn("{task.fields[left]}")
    columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), left)
    return Progress(*columns, console=Console(stderr=True), transient=True)


class Reporter:
    """Shows a session's progress on a bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting brokers", total=None, left="")

    def __call__(self, what: str, forecast: Forecast) -> None:
        left = left_text(forecast.seconds_left)
        self._bar.update(self._task, description=what, completed=forecast.done, total=forecast.total, left=left)


def left_text(seconds: float) -> str:
    """As exactly as a forecast deserves."""
    if seconds >= 90:
        return f"about {round(seconds / 60)} min left"
    return f"about {max(1, round(seconds / 10)) * 10} s left"


def _publish(found: Results, baseline: str | None, output: Path) -> None:
    console.print(report.terminal_table(found, baseline))
    for (target, reason), cases in report.problems_by_reason(found).items():
        text = f"VOID {target}: {'; '.join(cases)}: {reason}"
        console.print(text, style="red", markup=False, highlight=False)
    found.save(output / "results.json")
    (output / "report.md").write_text(report.markdown(found, baseline, draw(found, output)))
    console.print(f"written: {output / 'report.md'}, {output / 'results.json'}", highlight=False)


@main.command("readme")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("readme", type=click.Path(path_type=Path))
def readme_command(file: Path, readme: Path) -> None:
    """Put the headline figures of a result file into a page, between its bench:begin and bench:end comments."""
    with _sentences():
        found = results.load(file)
        readme.write_text(report.with_headline(readme.read_text(), found))


@main.command("compare")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def compare_command(before: Path, after: Path) -> None:
    """Show what changed beyond noise between two result files; fail when something got worse."""
    with _sentences():
        changes = compare(results.load(before), results.load(after))
    console.print(_change_table(changes))
    sys.exit(1 if any(change.verdict is Verdict.WORSE for change in changes) else 0)


def _change_table(changes: list[Change]) -> Table:
    beyond = [change for change in changes if change.verdict is not Verdict.SAME]
    table = Table("case", "target", "before", "after", "ratio", "noise", "verdict")
    table.title = f"{len(beyond)} of {len(changes)} cells changed beyond noise"
    for change in beyond:
        colour = "red" if change.verdict is Verdict.WORSE else "green"
        figures = [report.number(change.before), report.number(change.after)]
        judged = [f"{change.ratio:.2f}", f"±{change.noise:.0%}", f"[{colour}]{change.verdict.value}[/{colour}]"]
        table.add_row(change.case.identity.replace("[", "\\["), change.target, *figures, *judged)
    return table
