"""`make torture`: real brokers with a small window are killed under load, for so many cycles or so many seconds.

Each round is a journal of its own, with the clients and the oracle of test_kill.py; what is confirmed must come out,
whether it was in memory, on the disk, or on its way.
"""

import asyncio
import logging
import os
import tempfile
from pathlib import Path
from time import monotonic

import click

from tests.crash.test_kill import endure

KILLS_A_ROUND = 10


@click.command(help=__doc__)
@click.option("--cycles", default=200, show_default=True, help="Kills at most.")
@click.option("--seconds", default=900, show_default=True, help="No round begins after that.")
@click.option("--window", default=1, show_default=True, help="Messages that each queue keeps in memory at least.")
@click.option("--seed", default=1, show_default=True, help="Of the first round.")
def main(cycles: int, seconds: int, window: int, seed: int) -> None:
    for name in ("aiormq", "aio_pika"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # every connection breaks, which here is the point
    os.environ["MQBROKER_JOURNAL_QUEUE_WINDOW"] = str(window)
    begun, done = monotonic(), 0
    while done < cycles and monotonic() - begun < seconds:
        kills = min(KILLS_A_ROUND, cycles - done)
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            asyncio.run(endure(Path(folder) / "data", kills, seed))
        done += kills
        seed += 1
    print(f"{done} kills in {monotonic() - begun:.0f} s with a window of {window}: nothing that was confirmed is lost")


if __name__ == "__main__":
    main()
