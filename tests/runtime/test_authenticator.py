"""Logins are checked in a pool, and no more of them than there are different ones."""

import asyncio
import os
import threading

import pytest

from mqbroker.clock import Clock
from mqbroker.core.access.access import Access
from mqbroker.runtime import authenticator
from mqbroker.runtime.authenticator import PooledAuthenticator


async def test_a_fleet_that_comes_at_once_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a hundred clients that connected together had a check of its own: the last waited longer than it may."""
    checked: list[bytes] = []

    def verify(password: bytes, password_hash: str) -> bool:
        checked.append(password)
        return password == b"right"

    monkeypatch.setattr(authenticator, "verify", verify)
    access = Access()
    access.put_user("fleet", "hash")
    logins = PooledAuthenticator(access, Clock())
    answers: asyncio.Queue[bool] = asyncio.Queue()
    for _ in range(100):
        logins.check("fleet", b"right", answers.put_nowait)
    for _ in range(3):
        logins.check("fleet", b"wrong", answers.put_nowait)
    found = [await answers.get() for _ in range(103)]
    assert (found.count(True), found.count(False)) == (100, 3)
    assert sorted(checked) == [b"right", b"wrong"]
    logins.check("fleet", b"right", answers.put_nowait)
    assert answers.get_nowait(), "it is remembered"
    logins.check("fleet", b"wrong", answers.put_nowait)
    assert not await answers.get()
    assert sorted(checked) == [b"right", b"wrong", b"wrong"], "a wrong one is not"
    logins.close()


async def test_a_check_that_nobody_waits_for_any_more_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks of connections that were gone kept the threads busy while right log-ins waited."""
    checked: list[bytes] = []
    gate = threading.Event()

    def verify(password: bytes, password_hash: str) -> bool:
        gate.wait(10)
        checked.append(password)
        return password == b"right"

    monkeypatch.setattr(authenticator, "verify", verify)
    access = Access()
    access.put_user("shop", "hash")
    logins = PooledAuthenticator(access, Clock())
    answers: asyncio.Queue[bool] = asyncio.Queue()
    threads = len(os.sched_getaffinity(0))
    for number in range(threads):
        logins.check("shop", b"held %d" % number, answers.put_nowait)
    for number in range(100):
        logins.check("shop", b"gone %d" % number, answers.put_nowait, "10.0.0.66", lambda: False)
    logins.check("shop", b"right", answers.put_nowait, "10.0.0.1")
    gate.set()
    found = [await answers.get() for _ in range(threads + 1)]
    assert found.count(True) == 1
    assert sorted(checked) == sorted([*(b"held %d" % number for number in range(threads)), b"right"])
    logins.close()


async def test_a_password_that_is_still_being_hashed_is_taken_at_once() -> None:
    """300 users with passwords in the configuration: the first start took 58.7 s."""
    access = Access()
    access.put_user("shop", "")
    logins = PooledAuthenticator(access, Clock())
    logins.expect("shop", b"secret")
    answers: asyncio.Queue[bool] = asyncio.Queue()
    logins.check("shop", b"secret", answers.put_nowait)
    assert answers.get_nowait()
    for wrong in (b"", b"Secret"):
        logins.check("shop", wrong, answers.put_nowait)
        assert not await answers.get()
    logins.forget_expected("shop")
    logins.check("shop", b"secret", answers.put_nowait)
    assert not await answers.get()
    logins.close()
