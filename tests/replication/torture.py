"""`make pair-torture`: what may befall a pair, one after the other, with clients of AMQP, MQTT and SQS at work.

Each fault is done to two real nodes and a real etcd, which are new each time; between the nodes, and between each of
them and etcd, is a proxy that plays the network (fault_proxy.py). A fault counts as survived when the clients get on
as it says, the pair is in sync again in the end, both journals are alike, and everything that was confirmed has come.
Prints a table, and exits with 1 if anything was lost or hung.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from mqbroker.replication.control import compared
from tests.replication import stores
from tests.replication.clients import KINDS
from tests.replication.crew import Crew, account
from tests.replication.faults import FAULTS, Fault, Scene, Spans
from tests.replication.pair_house import Pair, a_pair

SHORT = Spans(lease_s=2, ack_timeout_ms=1000, pause_s=4, outage_s=5)
LONG = Spans(lease_s=5, ack_timeout_ms=3000, pause_s=30, outage_s=60)
"""With the options' defaults."""
HEAD = "| fault | AMQP | MQTT | SQS | again | longest wait |"


class Outcome(NamedTuple):
    """What came of a fault."""

    fault: str
    counts: tuple[tuple[int, int, int], ...]
    """Per protocol: confirmed, delivered, lost."""
    repeated: int
    longest_wait_s: float
    trouble: str = ""

    def row(self) -> str:
        """As a line of the table."""
        counts = " | ".join(f"{confirmed} / {delivered} / {lost}" for confirmed, delivered, lost in self.counts)
        return f"| {self.fault} | {counts} | {self.repeated} | {self.longest_wait_s:.1f} s |"


def endure(fault: Fault, spans: Spans, folder: Path) -> Outcome:
    """Does it, and judges. AssertionError when something was lost or hangs, with what the clients say."""
    options = {"lease_s": spans.lease_s, "ack_timeout_ms": spans.ack_timeout_ms, "direct": fault.is_direct}
    with a_pair(folder, schemes=tuple(KINDS), module=fault.module, **options) as pair, Crew(pair) as crew:
        crew.progress()
        fault.happen(Scene(pair, crew, spans))
        pair.until_in_sync()
        crew.progress()
        crew.drain()
        for client in crew.clients:
            print(account(client))
        _judge(pair)
        counts = tuple((len(each.confirmed), len(each.received), len(each.missing())) for each in crew.clients)
        repeated = sum(each.repeated for each in crew.clients)
        return Outcome(fault.title, counts, repeated, max(each.longest_wait_s for each in crew.clients))


def _judge(pair: Pair) -> None:
    with ThreadPoolExecutor(1) as thread:  # the test may have a loop of its own
        said, are_alike = thread.submit(compared, pair.standby.control).result()
    assert are_alike, said
    assert "Traceback" not in pair.logs(), "a node has raised what nobody handles"


def _try(fault: Fault, spans: Spans) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="mqbroker-torture-") as folder, redirect_stdout(StringIO()) as said:
        try:
            return endure(fault, spans, Path(folder))
        except Exception as error:  # the next fault is tried all the same
            print(said.getvalue(), file=sys.stderr)
            return Outcome(fault.title, (), 0, 0.0, f"{type(error).__name__}: {error}")


def table(outcomes: Iterable[Outcome]) -> Iterable[str]:
    """The lines of a table for documents, as they come."""
    yield HEAD
    yield "|---|" + "---:|" * (HEAD.count("|") - 2)
    for outcome in outcomes:
        yield f"| {outcome.fault} | FAILED: {outcome.trouble}" if outcome.trouble else outcome.row()


def main() -> int:
    """All faults, or those whose names are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", help=f"among {', '.join(FAULTS)}; all if none is given")
    parser.add_argument("--short", action="store_true", help="short leases, pauses and outages")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the clients' complaints about what is done to them
    if not stores.has_etcd():
        print("etcd is needed: apt-get install etcd-server", file=sys.stderr)
        return 2
    began = time.monotonic()
    outcomes: list[Outcome] = []

    def tried() -> Iterable[Outcome]:
        for name in chosen.faults or FAULTS:
            outcomes.append(_try(FAULTS[name], SHORT if chosen.short else LONG))
            yield outcomes[-1]

    for line in table(tried()):
        print(line, flush=True)
    failed = [each.fault for each in outcomes if each.trouble]
    taken_s = time.monotonic() - began
    print(f"\n{len(outcomes)} faults in {taken_s:.0f} s, {len(failed)} not survived {failed or ''}".rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
