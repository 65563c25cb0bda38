"""Sessions: the order of measurements, what a failure means, and the command line around them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.errors import ProtocolError, UsageError
from bench.results import load
from bench.runner import Session, Settings
from bench.scenarios.base import Case, Depth, Measurement, Scenario, Site
from bench.scenarios.registry import SCENARIOS, chosen
from bench.targets.base import Promise
from bench.targets.registry import Fleet

SETTINGS = Settings(seconds=0.1, repetitions=2, pause=0.0)
TARGETS = ("a=amqp://127.0.0.1:1", "b=amqp://127.0.0.1:2")


def session(measure: Callable[[Site], Measurement], settings: Settings = SETTINGS, only: str = "") -> Session:
    case = Case("case one", measure, promise=Promise.WRITE)
    return Session([Scenario("s", "Why?", (case,))], Fleet(TARGETS), settings, lambda what, done, total: None, only)


def test_repetitions_of_targets_are_interleaved() -> None:
    results = session(lambda site: Measurement(float(site.endpoint.port))).run()
    assert [(sample.target, sample.repetition, sample.value) for sample in results.samples] == [
        ("a", 0, 1.0),
        ("b", 0, 2.0),
        ("a", 1, 1.0),
        ("b", 1, 2.0),
    ]
    assert results.ratio("s: case one [write]", "b", "a") == 2.0


def test_a_failure_voids_its_cell_and_the_session_goes_on() -> None:
    def measure(site: Site) -> Measurement:
        if site.target.name == "a":
            raise ProtocolError("refused")
        return Measurement(5.0)

    results = session(measure).run()
    assert results.summary("s: case one [write]", "a") is None
    assert [sample.error for sample in results.problems()] == ["ProtocolError: refused"] * 2
    assert results.values("s: case one [write]", "b") == [5.0, 5.0]


def test_a_quick_look_without_quick_cases_is_refused() -> None:
    with pytest.raises(UsageError, match="no case"):
        session(lambda site: Measurement(1.0), Settings(depth=Depth.QUICK))


def test_cases_can_be_chosen_by_a_part_of_their_name() -> None:
    assert session(lambda site: Measurement(1.0), only="one").run().samples
    with pytest.raises(UsageError, match="no case"):
        session(lambda site: Measurement(1.0), only="two")


def test_identities_of_cases_are_unique() -> None:
    """Results are found by scenario, case and promise: two cases of one identity would be mixed up."""
    for scenario in SCENARIOS.values():
        identities = [(case.name, case.promise) for case in scenario.cases]
        assert len(set(identities)) == len(identities)


def test_every_scenario_but_the_large_ones_is_in_the_quick_look() -> None:
    without = {
        name for name, scenario in SCENARIOS.items() if not any(case.depth is Depth.QUICK for case in scenario.cases)
    }
    assert without == {"queues", "cost", "mqtt-retained", "mqtt-wildcards"}


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(UsageError, match="no scenario 'x'"):
        chosen(("x",))


def test_the_command_line_measures_prints_and_writes_everything(tmp_path: Path) -> None:
    arguments = ["-s", "throughput", "-t", "relay", "--only", "100 B", "--seconds", "0.2", "-r", "1"]
    done = CliRunner().invoke(main, [*arguments, "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    found = load(tmp_path / "results.json")
    (sample,) = found.samples
    assert sample.valid
    assert sample.value > 0
    assert "bare relay" in (tmp_path / "report.md").read_text()
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".md", ".svg", ".png"}


def test_the_driver_finds_no_fault_in_the_stub_that_bounds_it(tmp_path: Path) -> None:
    arguments = ["-s", "sqs", "-t", "http-stub", "--seconds", "0.1", "-r", "1", "--quick", "--output", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    samples = load(tmp_path / "results.json").samples
    assert [sample.case for sample in samples] == [
        "sqs: SendMessage, 100 B [write]",
        "sqs: SendMessageBatch of 10 [write]",
    ]
    assert all(sample.metrics["calls_per_second"] > 0 for sample in samples)


def test_comparing_a_file_with_itself_finds_nothing(tmp_path: Path) -> None:
    results = session(lambda site: Measurement(3.0)).run()
    results.save(tmp_path / "r.json")
    file = str(tmp_path / "r.json")
    done = CliRunner().invoke(main, ["compare", file, file])
    assert done.exit_code == 0
    assert "0 of 2 cells" in done.output


def test_a_wrong_target_is_one_sentence_and_exit_code_2() -> None:
    done = CliRunner().invoke(main, ["run", "-t", "nonsense"])
    assert done.exit_code == 2
    assert done.output.startswith("bench: no target 'nonsense'")


def test_the_list_names_scenarios_and_targets() -> None:
    done = CliRunner().invoke(main, ["list"])
    assert done.exit_code == 0
    assert "dead-letters" in done.output
    assert "mqbroker-interpreted" in done.output
