"""Numbers of times past, close together and far apart."""

from itertools import pairwise

from mqbroker.management.retention import RANGES, Retention


def test_what_is_longer_ago_is_kept_further_apart_and_nothing_grows() -> None:
    """RabbitMQ's store of statistics took all memory."""
    retention = Retention()
    for number in range(2 * 86_400 // 5):
        late = 200 if number % 3 else 0
        retention.add(number * 5000 + late, {"ready": number})
    for span, step in RANGES.items():
        kept = retention.of(span)
        assert len(kept) == span // step + 1
        distances = {later[0] - earlier[0] for earlier, later in pairwise(kept)}
        assert max(distances) <= step * 1000 + 5200
        assert min(distances) >= step * 1000 - 2500
        assert kept[-1][0] >= 2 * 86_400_000 - step * 1000 - 10_000
