"""What very many queues cost the journal: `python -m bench.checkpoints --queues 100000`.

Durable queues are declared, each bound to a topic exchange; then messages go round all of them until some segments are
full. Printed is: how long a checkpoint is and its share of a segment, the longest time that the loop stands still for
one batch, with a checkpoint and without, and how long a restart takes until the queues are there. All of it runs in
this process, with no protocol before it.
"""

import gc
import tempfile
import time
from collections import deque
from pathlib import Path

import click

from mqbroker.core.broker import Broker
from mqbroker.core.message import new_message
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.restoration import restore
from mqbroker.limits import QUEUE_WINDOW, SEGMENT_BYTES
from mqbroker.protocols.amqp.properties import build
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import assemble
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.executors import Done, Work
from mqbroker.storage.recovery import Recovered

BURST = 500
SEGMENTS = 3


class Later:
    """Work that is done when it is asked for: on the loop there is the encoding only. An `Executor`."""

    def __init__(self) -> None:
        self._orders: deque[tuple[Work, Done]] = deque()

    def submit(self, work: Work, done: Done) -> None:
        self._orders.append((work, done))

    def wait(self) -> bool:
        if not self._orders:
            return False
        work, done = self._orders.popleft()
        work()
        done(None)
        return True

    def close(self) -> None:
        return None


def opened(folder: Path) -> tuple[JournalLedger, Recovered, Later]:
    """The journal in a folder, and what does its work."""
    appends = Later()
    ledger, recovered = assemble(
        FileDisk(folder), formats_of(PROTOCOLS), False, appends, appends, _fail, SEGMENT_BYTES,
        window=QUEUE_WINDOW,
    )  # fmt: skip
    return ledger, recovered, appends


def _fail(error: Exception) -> None:
    raise error


def _declared(ledger: JournalLedger, queues: int) -> Broker:
    broker = Broker(ledger, lambda: "id")
    vhost = broker.add_vhost("/")
    exchange = declare_exchange(vhost, "topics", "topic", True, False, False, {})
    for number in range(queues):
        queue = declare_queue(vhost, f"queue.of.customer.{number}", True, False, False, {}, 0)
        vhost.bind(exchange, queue, f"orders.of.customer.{number}.#", {})
    return broker


def _seal(ledger: JournalLedger, appends: Later) -> float:
    """How long the loop stood still for it."""
    began = time.perf_counter()
    ledger.seal()
    took = time.perf_counter() - began
    while appends.wait():
        pass
    return took


def _fill(broker: Broker, ledger: JournalLedger, appends: Later, body: int) -> tuple[float, float]:
    """The longest times of a batch without a checkpoint, and of one with it."""
    queues = list(broker.vhost("/").queues.values())
    properties = build(delivery_mode=2)
    usual = checkpoint = 0.0
    begun = ledger.segments
    number = 0
    while ledger.segments < begun + SEGMENTS:
        for _ in range(BURST):
            queues[number % len(queues)].publish(new_message("topics", "key", properties, bytes(body), 0), 0)
            number += 1
        before = ledger.segments
        took = _seal(ledger, appends)
        if ledger.segments > before:
            checkpoint = max(checkpoint, took)
        else:
            usual = max(usual, took)
    return usual, checkpoint


@click.command(help=__doc__)
@click.option("--queues", default=100_000, show_default=True)
@click.option("--body", default=1000, show_default=True, help="Octets of each message.")
def main(queues: int, body: int) -> None:
    gc.disable()  # a broker has it look at long intervals only
    with tempfile.TemporaryDirectory(dir=".", prefix="checkpoints-") as name:
        folder = Path(name) / "data"
        folder.mkdir(mode=0o700)
        ledger, _, appends = opened(folder)
        broker = _declared(ledger, queues)
        _seal(ledger, appends)
        length = ledger.encoder.opening_bytes()
        print(f"a checkpoint of {queues:,} queues and bindings: {length / 1e6:.1f} MB, {length / SEGMENT_BYTES:.0%}")
        usual, checkpoint = _fill(broker, ledger, appends, body)
        length = ledger.encoder.opening_bytes()
        print(f"with {ledger.segments} segments in which all have messages: {length / SEGMENT_BYTES:.0%} of a segment")
        print(f"the loop stands still: {usual * 1000:.0f} ms for a batch, {checkpoint * 1000:.0f} ms with a checkpoint")
        ledger.close()
        _measure_restart(folder)


def _measure_restart(folder: Path) -> None:
    began = time.perf_counter()
    ledger, recovered, _ = opened(folder)
    broker = Broker(ledger, lambda: "id")
    restore(broker, recovered.definitions, recovered.entries, 1)
    took = time.perf_counter() - began
    print(f"a restart: {took:.1f} s until {len(broker.vhost('/').queues):,} queues are there")


if __name__ == "__main__":
    main()
