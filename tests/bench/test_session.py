"""Sessions: the order of measurements, what a failure means, and the command line around them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import left_text, main
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
    return session_of((case,), settings, only)


def session_of(cases: tuple[Case, ...], settings: Settings = SETTINGS, only: str = "") -> Session:
    return Session([Scenario("s", "Why?", cases)], Fleet(TARGETS), settings, lambda what, forecast: None, only)


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


def test_headlines_are_repeated_most_and_slow_targets_least() -> None:
    cases = tuple(
        Case(name, lambda site: Measurement(1.0), depth=depth, once=once)
        for name, depth, once in (
            ("first", Depth.QUICK, False),
            ("shown", Depth.HEADLINE, False),
            ("further", Depth.NORMAL, False),
            ("long", Depth.QUICK, True),
            ("rare", Depth.THOROUGH, False),
        )
    )
    made = session_of(cases, Settings(seconds=0.1, repetitions=3, further=2, slow=1, pause=0.0))
    fleet = made.results.targets
    assert list(fleet) == ["a", "b"]
    results = made.run()
    counts = {case.name: len(results.values(case.identity, "a")) for case in results.cases}
    assert counts == {"first": 3, "shown": 3, "further": 2, "long": 1}
    slow = Fleet(("moto",)).members["moto"]
    settings = Settings(repetitions=3, further=2, slow=1)
    assert [settings.repeated(case, slow) for case in cases[:3]] == [1, 1, 1]
    assert results.settings["duration"] == "0:00 min"


def test_what_needs_a_fresh_broker_is_measured_first_and_reported_in_its_place() -> None:
    cases = (Case("plain", lambda site: Measurement(1.0)), Case("pristine", lambda site: Measurement(1.0), fresh=True))
    results = session_of(cases).run()
    assert [case.name for case in results.cases] == ["plain", "pristine"]
    assert [sample.case for sample in results.samples][::4] == ["s: pristine [memory]", "s: plain [memory]"]


def test_cases_of_one_measurement_share_it() -> None:
    taken: list[str] = []

    def measure(site: Site) -> Measurement:
        taken.append(site.target.name)
        return Measurement(7.0, {"cost": float(len(taken))})

    results = session_of((Case("rate", measure), Case("cost", measure, metric="cost"))).run()
    assert taken == ["a", "b", "a", "b"]
    assert results.values("s: rate [memory]", "b") == [7.0, 7.0]
    assert results.values("s: cost [memory]", "b") == [2.0, 4.0]


def test_a_metric_that_was_not_measured_is_told() -> None:
    results = session_of((Case("cost", lambda site: Measurement(7.0), metric="cost"),)).run()
    assert {sample.error for sample in results.problems()} == {
        "ProtocolError: the processes of this target cannot be measured"
    }


def test_what_a_case_makes_stays_for_its_repetitions_and_is_made_anew_after_a_failure() -> None:
    done: list[str] = []

    @contextmanager
    def made(name: str) -> Iterator[None]:
        done.append(f"{name} made")
        yield
        done.append(f"{name} gone")

    def measure(site: Site) -> Measurement:
        site.kept.put(made(site.target.name))
        first_of_a = site.target.name == "a" and "a gone" not in done
        return Measurement(1.0, faults="1 missing" if first_of_a else "")

    session_of((Case("case", measure),), replace(SETTINGS, further=3)).run()
    assert done == ["a made", "a gone", "b made", "a made", "a gone", "b gone"]


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


def test_every_scenario_is_among_the_headlines() -> None:
    for scenario in SCENARIOS.values():
        assert any(case.depth <= Depth.HEADLINE for case in scenario.cases)


def test_a_quick_look_has_what_brokers_are_chosen_by() -> None:
    quick = {name for name, scenario in SCENARIOS.items() if any(case.depth is Depth.QUICK for case in scenario.cases)}
    assert quick >= {"throughput", "fan-out", "topic", "deep-queue", "idle", "latency", "cost", "mqtt", "sqs"}


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


@pytest.mark.parametrize(
    ("seconds", "text"), [(840.0, "about 14 min left"), (44.0, "about 40 s left"), (0.5, "about 10 s left")]
)
def test_a_forecast_is_told_as_exactly_as_it_deserves(seconds: float, text: str) -> None:
    assert left_text(seconds) == text


def test_the_list_names_scenarios_and_targets() -> None:
    done = CliRunner().invoke(main, ["list"])
    assert done.exit_code == 0
    assert "dead-letters" in done.output
    assert "mqbroker-interpreted" in done.output
