"""What a queue leaves behind when it is deleted or purged: given back to the allocator in portions.

To free a million messages takes a tenth of a second or more. Nobody can reach them any more, so it need not be done at
once, and nothing is told to the journal of it: that knows already. A value in a dictionary that has containers of its
own gives them out by its method `let_go`.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.limits import PORTION

Container = list[Any] | dict[Any, Any] | deque[Any]


class Leftovers(Task):
    """Containers that nothing else refers to."""

    __slots__ = ("_containers",)

    def __init__(self, containers: list[Container]) -> None:
        Task.__init__(self)
        self._containers = containers

    def run(self, _now: int, portion: int) -> bool:
        """Task: empties the containers, from the last one on."""
        containers = self._containers
        while portion > 0 and containers:
            container = containers[-1]
            if not container:
                containers.pop()
            elif isinstance(container, dict):
                _, value = container.popitem()
                let_go = getattr(value, "let_go", None)
                if let_go is not None:
                    containers += let_go()
            else:
                container.pop()
            portion -= 1
        return bool(containers)


def leave(scheduler: Scheduler, containers: Iterable[Container]) -> None:
    """Has what is in the containers freed; at once if it is little."""
    left = [container for container in containers if container]
    if sum(map(len, left)) > PORTION or any(isinstance(container, dict) for container in left):
        scheduler.add(Leftovers(left))
