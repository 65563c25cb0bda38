"""The arithmetic of results: medians, spreads, paired ratios, and what counts as a change beyond noise."""

from pathlib import Path

import pytest

from bench.compare import Verdict, compare
from bench.errors import UsageError
from bench.report import markdown, number, terminal_table, with_headline
from bench.results import CaseInfo, Results, Sample, TargetInfo, load

FAST = CaseInfo("throughput", "100 B", "msg/s", "memory", True)
LATE = CaseInfo("latency", "p99", "ms", "memory", False)


def results(*rows: tuple[CaseInfo, str, list[float]]) -> Results:
    targets = {name: TargetInfo(name.title(), "1.0", {"memory": "transient"}) for _, name, _ in rows}
    cases = list(dict.fromkeys(case for case, _, _ in rows))
    samples = [
        Sample(case.identity, name, index, value) for case, name, values in rows for index, value in enumerate(values)
    ]
    return Results({"cores": "2"}, {}, targets, cases, samples)


def test_a_summary_has_median_and_half_range() -> None:
    summary = results((FAST, "a", [90.0, 100.0, 120.0])).summary(FAST.identity, "a")
    assert summary is not None
    assert summary.median == 100
    assert summary.spread == pytest.approx(0.15)


def test_ratios_are_taken_between_neighbours_so_that_drift_cancels() -> None:
    """The machine became twice as slow during the session: the ratio of medians would be right by luck only."""
    drifting = results((FAST, "a", [100.0, 75.0, 50.0]), (FAST, "b", [300.0, 225.0, 150.0]))
    assert drifting.ratio(FAST.identity, "b", "a") == pytest.approx(3.0)


def test_where_the_baseline_takes_no_part_ratios_refer_to_a_known_peer() -> None:
    call = CaseInfo("sqs", "send", "msg/s", "write", True, protocol="sqs")
    found = results((FAST, "a", [100.0]), (call, "b", [300.0]), (call, "peer", [100.0]), (FAST, "b", [200.0]))
    found.targets["peer"] = TargetInfo("Peer", "1.0", {}, ("sqs",))
    assert found.reference(FAST.identity, "a") == "a"
    assert found.reference(call.identity, "a") == "peer"
    assert found.reference(call.identity, None) == "peer"
    assert found.reference(FAST.identity, None) == "a"
    assert found.reference(LATE.identity, "a") is None
    text = markdown(found, "a", {})
    assert "| send (write) | 300 msg/s **3.0x** | 100 msg/s | 1x |" in text
    assert "| 100 B | 100 msg/s | 200 msg/s **2.0x** | 1x |" in text
    assert terminal_table(found, "a").title == "median of the repetitions, ± half their range, ratio to A or Peer"


def test_the_headline_has_a_table_for_each_protocol_of_those_who_speak_it() -> None:
    call = CaseInfo("sqs", "send", "msg/s", "write", True, protocol="sqs")
    found = results((FAST, "a", [100.0]), (call, "b", [300.0]))
    text = with_headline("<!-- bench:begin --><!-- bench:end -->", found)
    assert "| scenario | A |\n|---|---:|\n| throughput: 100 B | 100 msg/s |" in text
    assert "| scenario | B |\n|---|---:|\n| sqs: send (write) | 300 msg/s |" in text


def test_the_report_says_how_often_was_measured_and_what_must_be_known_of_a_value() -> None:
    found = results((FAST, "a", [90.0, 100.0, 110.0]), (FAST, "b", [300.0]), (LATE, "a", []))
    found.samples.append(Sample(LATE.identity, "a", 0, 3.0, note="only half of it"))
    text = markdown(found, None, {})
    assert "| 100 B | 100 msg/s ±10% | 300 msg/s **3.3x** | 1 to 3x |" in text
    assert "| p99 | 3 ms | 1x |\n\n- A, p99: only half of it\n" in text


def test_the_report_shows_calls_and_what_a_long_queue_costs() -> None:
    call = CaseInfo("sqs", "send", "msg/s", "write", True, protocol="sqs")
    found = results((call, "a", []))
    metrics = {"calls_per_second": 3000.0, "call_p50_ms": 0.5, "call_p99_ms": 2.0, "ratio_to_shallow": 0.9}
    found.samples.append(Sample(call.identity, "a", 0, 1000.0, metrics))
    assert "| send (write) | 3k/s, p50 0.5 ms, p99 2 ms; 0.9x of a short queue's rate |" in markdown(found, "a", {})


def test_void_samples_count_nowhere() -> None:
    found = results((FAST, "a", [100.0]))
    found.samples.append(Sample(FAST.identity, "a", 1, 900.0, faults="3 missing"))
    summary = found.summary(FAST.identity, "a")
    assert summary is not None
    assert summary.median == 100
    assert len(found.problems()) == 1


def test_results_survive_a_file(tmp_path: Path) -> None:
    found = results((FAST, "a", [1.0, 2.0]), (LATE, "b", [3.0]))
    found.save(tmp_path / "r.json")
    assert load(tmp_path / "r.json") == found


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "machine": {}}'])
def test_a_foreign_file_is_refused_with_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=r"r\.json"):
        load(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([100.0, 100.0, 100.0], [103.0, 103.0, 103.0], Verdict.SAME),
        ([100.0, 100.0, 100.0], [120.0, 120.0, 120.0], Verdict.BETTER),
        ([100.0, 100.0, 100.0], [80.0, 80.0, 80.0], Verdict.WORSE),
        ([80.0, 100.0, 120.0], [90.0, 115.0, 140.0], Verdict.SAME),
    ],
)
def test_a_change_counts_when_it_is_beyond_the_scatter(
    before: list[float], after: list[float], verdict: Verdict
) -> None:
    (change,) = compare(results((FAST, "a", before)), results((FAST, "a", after)))
    assert change.verdict is verdict


def test_lower_latency_is_better() -> None:
    (change,) = compare(results((LATE, "a", [2.0])), results((LATE, "a", [1.0])))
    assert change.verdict is Verdict.BETTER


def test_cells_of_one_file_only_are_not_compared() -> None:
    assert compare(results((FAST, "a", [1.0])), results((FAST, "b", [1.0]), (LATE, "a", [1.0]))) == []


def test_the_report_names_void_measurements() -> None:
    found = results((FAST, "a", [100.0]), (FAST, "b", [250.0]))
    found.samples.append(Sample(LATE.identity, "b", 0, 0.0, error="TargetError: gone"))
    text = markdown(found, "a", {})
    assert "**2.5x**" in text
    assert "TargetError: gone" in text
    assert terminal_table(found, "a").row_count == 1


@pytest.mark.parametrize(("value", "text"), [(0.0512, "0.0512"), (950, "950"), (1234567, "1.23M"), (45600, "45.6k")])
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_the_headline_replaces_what_is_between_the_marks() -> None:
    found = results((FAST, "a", [100.0]), (FAST, "b", [250.0]))
    text = "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n"
    once = with_headline(text, found)
    assert "old" not in once
    assert "| throughput: 100 B | 100 msg/s" in once
    assert (once.startswith("before\n"), once.endswith("-->\nafter\n")) == (True, True)
    assert with_headline(once, found) == once


def test_a_text_without_marks_is_refused() -> None:
    with pytest.raises(UsageError, match="bench:begin"):
        with_headline("nothing here", results((FAST, "a", [1.0])))
