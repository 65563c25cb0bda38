"""Waiting, in a task, for what the core does in portions and tells of by a call."""

import asyncio
from collections.abc import Callable

from mqbroker.errors import AccessPending
from mqbroker.management.ground import Ground

Done = Callable[[], None]


async def committed(ground: Ground) -> None:
    """Returns when the journal has everything up to now."""
    ledger = ground.broker.ledger
    await happened(lambda done: ledger.promise(ledger.position, done), ground)


async def happened(begin: Callable[[Done], object], ground: Ground) -> None:
    """Begins something, and returns when it has said that it is done."""
    said = _Said()
    begin(said.say)
    ground.services.outbox.wake()
    await said.done


async def known(pending: AccessPending) -> None:
    """Returns when another service has said whether something is allowed."""
    said = _Said()
    pending.when_known(lambda _now: said.say())
    await said.done


class _Said:
    """A call that may come when nobody waits for it any more."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def say(self) -> None:
        """It has come."""
        if not self.done.done():
            self.done.set_result(None)
