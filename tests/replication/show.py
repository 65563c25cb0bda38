"""`make pair`: etcd and two nodes on this machine, clients of three protocols, and the active node killed under load.

Prints what was confirmed, what came, what was lost, and how long each client waited. Exits with 1 if anything was lost.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.replication import stores
from tests.replication.clients import KINDS, Client
from tests.replication.pair_house import Pair, a_pair, seconds_until

KILLS = 3
LOAD_S = 3.0
DRAIN_S = 60.0


def main() -> int:
    """The whole show."""
    logging.disable(logging.CRITICAL)  # the clients' complaints about what is done to them
    if not stores.has_etcd():
        print("etcd is needed: apt-get install etcd-server", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mqbroker-pair-") as folder:
        print("starting etcd, node a and node b ...")
        with a_pair(Path(folder), schemes=tuple(KINDS), lease_s=5, ack_timeout_ms=3000, direct=True) as pair:
            return _play(pair)


def _play(pair: Pair) -> int:
    clients = [kind([node.ports[scheme] for node in pair.nodes]) for scheme, kind in KINDS.items()]
    for client in clients:
        client.prepare(client.ports[0])
    for client in clients:
        client.start()
    for number in range(1, KILLS + 1):
        time.sleep(LOAD_S)
        active = pair.active
        active.kill()
        print(f"kill {number}: {active.name} is gone with SIGKILL, ", end="", flush=True)
        taken_s = seconds_until(lambda: any(node.is_serving for node in pair.nodes))
        print(f"{pair.active.name} serves after {taken_s:.1f} s")
        active.start()
        pair.until_in_sync()
        print(f"        {active.name} is back as the standby, in sync")
    return _account(clients)


def _account(clients: list[Client]) -> int:
    for client in clients:
        client.is_draining = True
    deadline = time.monotonic() + DRAIN_S
    while any(client.missing() for client in clients) and time.monotonic() < deadline:
        time.sleep(0.05)
    print(f"{'':8}{'confirmed':>10}{'received':>10}{'again':>8}{'lost':>6}{'longest wait':>14}")
    for client in clients:
        client.stop()
        numbers = f"{len(client.confirmed):10}{len(client.received):10}{client.repeated:8}{len(client.missing()):6}"
        print(f"{client.name:8}{numbers}{client.longest_wait_s:12.1f} s")
    return 1 if any(client.missing() for client in clients) else 0


if __name__ == "__main__":
    sys.exit(main())
