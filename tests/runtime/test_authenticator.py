"""Logins are checked in a pool, and no more of them than there are different ones."""

import asyncio

import pytest

from mqbroker.clock import Clock
from mqbroker.core.access import Access
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
