"""Remembered routes of messages whose properties decide where they go."""

from mqbroker.core.routing.targets import RememberedTargets, Targets

QUESTION = ("orders", "key", 1, b"\x10\x00\x02")


def test_an_answer_holds_as_long_as_the_topology() -> None:
    remembered, targets = RememberedTargets(), Targets([], [])
    assert remembered.get(QUESTION, 1) is None
    assert remembered.put(QUESTION, targets) is targets
    assert remembered.get(QUESTION, 1) is targets
    assert remembered.get((*QUESTION[:3], b"\x00\x00"), 1) is None
    assert remembered.get(QUESTION, 2) is None
    assert remembered.get(QUESTION, 1) is None
