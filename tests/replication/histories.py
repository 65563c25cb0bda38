"""`make pair-histories`: many random histories of a pair (simulated.py), on all processors, within a bound of time.

Each history is told by its seed alone, whoever runs it: every third one has three nodes. Prints how many passed and
what was wrong with the others; exits with 1 if there are others, or if the time was over before all had run.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.replication.simulated import survive

FIRST, COUNT = 10_000, 10_000
STEPS = 2500
PORTION = 50
BOUND_S = 1800.0


def trouble(seed: int) -> str:
    """What is wrong with the history of that seed; empty when nothing is."""
    try:
        survive(seed, STEPS, "abc" if seed % 3 == 0 else "ab")
    except Exception as error:  # whatever it is, it is told with its seed
        return f"seed {seed}: {type(error).__name__}: {error}"
    return ""


def _troubles(seeds: range) -> list[str]:
    logging.disable(logging.CRITICAL)  # the machines tell of every fault that is done to them
    return [trouble(seed) for seed in seeds]


def _portions(first: int, count: int) -> Iterator[range]:
    return (range(at, min(at + PORTION, first + count)) for at in range(first, first + count, PORTION))


def run(first: int, count: int, workers: int = 0, bound_s: float = BOUND_S) -> tuple[int, list[str]]:
    """How many passed, and what was wrong with the others. Histories that the time did not suffice for are neither."""
    deadline = time.monotonic() + bound_s
    # Not forked: whoever runs this may have threads.
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = _within(pool.map(_troubles, _portions(first, count)), deadline)
        results = list(found)
        pool.shutdown(cancel_futures=True)
    failed = [each for each in results if each]
    return len(results) - len(failed), failed


def _within(portions: Iterable[list[str]], deadline: float) -> Iterator[str]:
    for portion in portions:
        yield from portion
        if time.monotonic() > deadline:
            return


def main() -> int:
    """Runs as many as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--count", type=int, default=COUNT, help="how many seeds")
    parser.add_argument("--workers", type=int, default=0, help="processes; one for each processor if not given")
    parser.add_argument("--seconds", type=float, default=BOUND_S, help="when to begin no more of them")
    chosen = parser.parse_args()
    began = time.monotonic()
    passed, failed = run(chosen.first, chosen.count, chosen.workers, chosen.seconds)
    print(*failed, sep="\n", end="\n" if failed else "")
    taken_s = time.monotonic() - began
    print(f"{passed} of {chosen.count} histories passed, {len(failed)} failed, {taken_s:.0f} s")
    return 0 if passed == chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
