"""The past of a number, as a client asks for it: `lengths_age=60&lengths_incr=5` is the last minute in steps of five
seconds, newest first, with the average and its rate. RabbitMQ's console and clients draw charts of it.

    lengths_        messages, _ready, _unacknowledged        msg_rates_      everything in message_stats
    data_rates_     recv_oct, send_oct                       node_stats_     what a node is measured by
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mqbroker.management.bodies import whole_number
from mqbroker.management.limits import RANGE_S_MAX, RANGE_SAMPLES_MAX
from mqbroker.management.refusals import Refusal
from mqbroker.management.retention import RANGES, Retention

Sample = tuple[int, Mapping[str, int]]
Reader = Callable[[Mapping[str, int]], int]

LENGTHS: Mapping[str, Reader] = {
    "messages": lambda numbers: numbers.get("ready", 0) + numbers.get("unacked", 0),
    "messages_ready": lambda numbers: numbers.get("ready", 0),
    "messages_unacknowledged": lambda numbers: numbers.get("unacked", 0),
}
OCTETS: Mapping[str, Reader] = {
    "recv_oct": lambda numbers: numbers.get("octets_in", 0),
    "send_oct": lambda numbers: numbers.get("octets_out", 0),
}


class Range(NamedTuple):
    """How far back, and how far apart, in seconds."""

    age_s: int
    step_s: int


def range_of(query: Mapping[str, str], name: str) -> Range | None:
    """What a query asks for; None where it does not. Raises Refusal."""
    age, step = query.get(f"{name}_age"), query.get(f"{name}_incr")
    if age is None or step is None:
        return None
    age_s, step_s = whole_number(age, RANGE_S_MAX), whole_number(step, RANGE_S_MAX)
    if not age_s or not step_s or age_s // step_s > RANGE_SAMPLES_MAX:
        text = f"Invalid range parameters: age {age[:20]}, incr {step[:20]}"
        raise Refusal(400, "invalid_range_parameters", text)
    return Range(age_s, step_s)


def kept_for(retention: Retention, wanted: Range) -> Sequence[Sample]:
    """The samples of the node from which a range is best read."""
    return retention.of(next((span for span in RANGES if span >= wanted.age_s), max(RANGES)))


def add_samples(
    found: dict[str, Any], readers: Mapping[str, Reader], wanted: Range | None, history: Sequence[Sample]
) -> None:
    """Adds the past of each number of an object that there is beside its rate."""
    if wanted is None or not history:
        return
    picked = _picked(wanted, history)
    for name, read in readers.items():
        details = found.get(f"{name}_details")
        if details is not None:
            values = [(at, read(numbers)) for at, numbers in picked]
            found[f"{name}_details"] = {**details, **_shown(values)}


def _picked(wanted: Range, history: Sequence[Sample]) -> list[Sample]:
    """A sample for each step back, newest first: the last one before it."""
    found, at, end = [], len(history) - 1, history[-1][0]
    for back_ms in range(0, wanted.age_s * 1000 + 1, wanted.step_s * 1000):
        while at >= 0 and history[at][0] > end - back_ms:
            at -= 1
        if at < 0:
            break
        found.append((end - back_ms, history[at][1]))
    return found


def _shown(values: list[tuple[int, int]]) -> dict[str, Any]:
    (newest_at, newest), (oldest_at, oldest) = values[0], values[-1]
    span_ms = newest_at - oldest_at
    return {
        "samples": [{"sample": value, "timestamp": at} for at, value in values],
        "avg": round(sum(value for _, value in values) / len(values), 2),
        "avg_rate": round((newest - oldest) * 1000 / span_ms, 2) if span_ms else 0.0,
    }
