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
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    begin(lambda: None if done.done() else done.set_result(None))
    ground.services.outbox.wake()
    await done


async def known(pending: AccessPending) -> None:
    """Returns when another service has said whether something is allowed."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pending.when_known(lambda _now: None if done.done() else done.set_result(None))
    await done
