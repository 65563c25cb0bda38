"""The numbers of the node at times past, for charts: the nearer, the closer together, as RabbitMQ keeps its totals.

5 s apart for ten minutes | 1 min for an hour | 10 min for eight hours | 30 min for a day
"""

from collections import deque
from collections.abc import Mapping, Sequence

Sample = tuple[int, Mapping[str, int]]
"""When it was, in milliseconds, and the numbers."""

RANGES: Mapping[int, int] = {600: 5, 3600: 60, 28_800: 600, 86_400: 1800}
"""How far back, and how far apart, in seconds (RabbitMQ's sample_retention_policies, global)."""


class Retention:
    """Of one node. `add` is called with every sample."""

    def __init__(self) -> None:
        self._kept: dict[int, deque[Sample]] = {
            span: deque(maxlen=span // step + 1) for span, step in RANGES.items()
        }  # fmt: skip

    def add(self, at_ms: int, numbers: Mapping[str, int]) -> None:
        """Keeps a sample where one is due."""
        for span, step in RANGES.items():
            kept = self._kept[span]
            # Samples come a little early or late: half of their distance is as good as all of it.
            if not kept or at_ms - kept[-1][0] >= step * 1000 - 2500:
                kept.append((at_ms, numbers))

    def of(self, span: int) -> Sequence[Sample]:
        """The samples of so many seconds, oldest first. One of RANGES."""
        return list(self._kept[span])
