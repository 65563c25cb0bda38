"""The names of targets, and the running instances of a session: started when first needed, stopped together.

Owns which targets exist. Knows nothing about measuring them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.errors import TargetError, UsageError
from bench.targets.amqtt import Amqtt
from bench.targets.base import Promise, Target
from bench.targets.fauxqs import Fauxqs
from bench.targets.http_stub import HttpStub
from bench.targets.mosquitto import Mosquitto
from bench.targets.moto import Moto
from bench.targets.mqbroker import Mqbroker
from bench.targets.pair import MqbrokerPair
from bench.targets.rabbitmq import RabbitMQ
from bench.targets.rabbitmq_cluster import RabbitMQCluster
from bench.targets.relay import BareRelay
from bench.targets.url import RunningBroker

Factory = Callable[[], Target]

FACTORIES: dict[str, Factory] = {
    "rabbitmq": RabbitMQ,
    "rabbitmq-cluster": RabbitMQCluster,
    "mqbroker": Mqbroker,
    "mqbroker-interpreted": lambda: Mqbroker(interpreted=True, name="mqbroker-interpreted"),
    "mqbroker-pair": MqbrokerPair,
    "mosquitto": Mosquitto,
    "amqtt": Amqtt,
    "fauxqs": Fauxqs,
    "moto": Moto,
    "relay": BareRelay,
    "http-stub": HttpStub,
}


def installed_targets(*, with_slow: bool) -> tuple[str, ...]:
    """The names of all targets that can be started here, in the order of the table."""
    made = {name: factory() for name, factory in FACTORIES.items()}
    return tuple(name for name, target in made.items() if target.installed() and (with_slow or not target.is_slow))


def factory_of(name: str) -> Factory:
    """What makes instances of a target; UsageError when there is no such target.

    A target is a name of the table, [NAME=]URL of a running broker, or NAME=PYTHON: the mqbroker of an environment.
    """
    if "://" in name:
        return lambda: RunningBroker(name)
    label, separator, python = name.partition("=")
    if separator:
        return lambda: Mqbroker(python=Path(python).absolute(), name=label)
    try:
        return FACTORIES[name]
    except KeyError:
        raise UsageError(f"no target {name!r}; there are {', '.join(FACTORIES)}, [NAME=]URL, NAME=PYTHON") from None


class Fleet:
    """The targets of one session. `members` are unstarted instances to ask; `running` gives running ones."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._factories = {factory().name: factory for factory in map(factory_of, names)}
        self.members = {name: factory() for name, factory in self._factories.items()}
        self._running: dict[tuple[str, str], Target] = {}
        # What could not be started once is not waited for again and again.
        self._broken: dict[tuple[str, str], TargetError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._running:
            self._running.popitem()[1].stop()

    @contextmanager
    def running(self, name: str, promise: Promise, fresh: bool = False) -> Iterator[Target]:
        """A running instance of a target that keeps the promise.

        A fresh one has served nothing yet. It lives only as long as the context, unless it can serve others later.
        """
        if not fresh or (name, self.members[name].mode(promise)) not in self._running:
            yield self._shared(name, promise)
            return
        with self._factories[name]() as target:
            target.start(promise)
            yield target

    def _shared(self, name: str, promise: Promise) -> Target:
        key = name, self.members[name].mode(promise)
        if key in self._broken:
            raise self._broken[key]
        if key not in self._running:
            target = self._factories[name]()
            try:
                target.start(promise)
            except TargetError as error:
                self._broken[key] = error
                raise
            self._running[key] = target
        return self._running[key]
