"""No task of the broker's own dies without a word."""

import asyncio

import pytest

from mqbroker.runtime.tasks import Tasks


async def test_a_task_that_fails_is_logged_and_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    """The ticker died without a line: no heartbeats, deadlines and alarms for the rest of the process."""
    stopped = asyncio.Event()

    async def fail() -> None:
        raise OSError(24, "Too many open files")

    tasks = Tasks(stopped.set)
    tasks.start("the clock", fail())
    async with asyncio.timeout(10):
        await stopped.wait()
    assert "the broker stops: the clock failed" in caplog.text
    assert "Too many open files" in caplog.text


async def test_closing_cancels_what_runs_and_stops_nothing() -> None:
    stopped, running, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def go_on() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = Tasks(stopped.set)
    tasks.start("the clock", go_on())
    async with asyncio.timeout(10):
        await running.wait()
        tasks.close()
        await ended.wait()
    assert not stopped.is_set()
