"""What the journal's threads report reaches the loop, and nobody minds when it is gone."""

import asyncio

from mqbroker.runtime.thread_wake import ThreadWake


def made() -> ThreadWake:
    async def make() -> ThreadWake:
        return ThreadWake(lambda work: work())

    return asyncio.run(make())


def test_a_report_after_the_end_of_the_loop_is_dropped() -> None:
    """A node that was replaced while its disk worked ended with a traceback of the journal's thread."""
    done: list[str] = []
    wake = made()
    wake(lambda: done.append("reported"))
    wake.release()
    assert done == []


async def test_a_report_is_done_on_the_loop() -> None:
    """A failure of the loop must not pass for its end."""
    done = asyncio.Event()
    wake = ThreadWake(lambda work: work())
    await asyncio.to_thread(wake, done.set)
    await asyncio.wait_for(done.wait(), 10)
