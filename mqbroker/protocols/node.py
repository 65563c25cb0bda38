"""The running broker as the server knows it, for a protocol that shows it to operators.

There is one, made when everything listens. It knows no protocol; what it has of the layers above, it has as calls.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mqbroker.config.listener import Listener
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.core.stats import Counts
from mqbroker.protocols.views import View


class Samples(Protocol):
    """What was found by the last looks at the broker's counts."""

    @property
    def history(self) -> Iterable[tuple[int, Mapping[str, int]]]:
        """The last samples of the node, with their times."""

    def rates(self, vhost: str = "") -> dict[str, float]:
        """Changes in a second of the numbers of the node, or of a vhost."""

    @property
    def followers(self) -> list[Callable[[], None]]:
        """Called after each look."""

    def pair(self, queue: Queue) -> tuple[Counts, Counts, int] | None:
        """What a queue had counted at the last two looks, and how many milliseconds are between them."""


class Doors(Protocol):
    """Where clients come in."""

    @property
    def is_suspended(self) -> bool:
        """Whether new ones are turned away."""

    def suspend(self, stays: Callable[[str], bool]) -> None:
        """Turns new ones away but for schemes that stay."""

    def resume(self) -> None:
        """Lets them in again. Raises ConfigError where a port is taken."""


@dataclass(frozen=True, slots=True)
class Node:
    """One running broker."""

    started_at: int
    """When it began to serve, in milliseconds of the clock that everything else is told."""
    data_dir: str
    disk_free_min_bytes: int
    """With less room than that, publishers are held back."""
    numbers: Callable[[], Mapping[str, int]]
    """What there is to know of the process, by name."""
    listeners: Callable[[], list[tuple[Listener, str, int]]]
    """What is listened on, with the port that was really taken."""
    samples: Samples
    compose: Callable[[Mapping[str, object]], Properties]
    """Properties by their neutral names (core/properties.py), for a message that an operator publishes. Raises
    PreconditionFailed, KeyError and ValueError."""
    certificate_expires_at: Callable[[], int]
    """When the certificate of listeners with TLS does, in seconds since the epoch; 0 without one."""
    reload: Callable[[], str]
    """Reads the configuration again: users, vhosts and certificates. What is wrong with it; empty when nothing is."""
    views: Mapping[str, View]
    """What protocols show beside queues and connections, by name."""
    doors: Doors
    pair: Callable[[], Mapping[str, object]] | None = None
    """What this node knows of its pair; None where it is alone."""
    switch_over: Callable[[float], Mapping[str, object]] | None = None
    """Has a standby take over, after so many seconds: what is `done`, or the `error`. None where it is alone."""
