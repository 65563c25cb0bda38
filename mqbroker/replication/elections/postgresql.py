"""An election store in PostgreSQL: one row for a pair, changed by statements that compare its revision.

Time is the database's alone, so the clocks of the nodes do not matter. Advisory locks are not used: whoever loses one
does not learn it. A database that itself fails over must replicate synchronously, or it may forget a promotion.
"""

import asyncio
from typing import Any

import asyncpg

from mqbroker.errors import ElectionUnreachable
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.election import Election

CALL_TIMEOUT_S = 2.0
LOOK_S = 0.5  # nobody tells when a lease runs out
CHANNEL = "mqbroker_pair"

_TABLE = """
CREATE TABLE IF NOT EXISTS mqbroker_pair (
    name text PRIMARY KEY,
    cluster text NOT NULL,
    epoch bigint NOT NULL,
    leader text NOT NULL,
    address text NOT NULL,
    isr text[] NOT NULL,
    revision bigint NOT NULL,
    expires timestamptz NOT NULL
)
"""
_COLUMNS = "cluster, epoch, leader, address, isr, revision, expires > clock_timestamp() AS is_held"
_UNTIL = "clock_timestamp() + make_interval(secs => $2)"
_READ = f"SELECT {_COLUMNS} FROM mqbroker_pair WHERE name = $1"  # noqa: S608  made of constants, like all that follow
_FOUND = f"""
INSERT INTO mqbroker_pair VALUES ($1, $3, $6, $4, $5, ARRAY[$4::text], 1, {_UNTIL})
ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608
_ACQUIRE = f"""
UPDATE mqbroker_pair SET epoch = epoch + 1, leader = $4, address = $5, revision = revision + 1, expires = {_UNTIL}
WHERE name = $1 AND revision = $3 AND expires <= clock_timestamp() RETURNING {_COLUMNS}
"""  # noqa: S608
_RENEW = f"""
UPDATE mqbroker_pair SET expires = {_UNTIL} WHERE name = $1 AND leader = $3 AND epoch = $4 RETURNING {_COLUMNS}
"""  # noqa: S608
_CAS = f"""
UPDATE mqbroker_pair SET isr = $3, revision = revision + 1 WHERE name = $1 AND revision = $2 RETURNING {_COLUMNS}
"""  # noqa: S608
_RESIGN = f"""
UPDATE mqbroker_pair SET expires = clock_timestamp() WHERE name = $1 AND leader = $2 AND epoch = $3
RETURNING {_COLUMNS}
"""  # noqa: S608


class PostgresqlElection(Election):
    """One node's view, over one connection, which is made anew when it is lost."""

    def __init__(self, url: str, name: str, ttl_s: float) -> None:
        self._url = url
        self._name = name
        self._ttl_s = float(ttl_s)
        self._connection: asyncpg.Connection[Any] | None = None
        self._lock = asyncio.Lock()
        self._told = asyncio.Event()

    async def read(self) -> Ballot | None:
        return await self._ask(_READ, self._name)

    async def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        return await self._change(_FOUND, self._name, self._ttl_s, cluster, node, address, epoch)

    async def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        return await self._change(_ACQUIRE, self._name, self._ttl_s, seen.revision, node, address)

    async def renew(self, mine: Ballot) -> Ballot | None:
        return await self._ask(_RENEW, self._name, self._ttl_s, mine.leader, mine.epoch)

    async def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        return await self._change(_CAS, self._name, mine.revision, sorted(isr))

    async def resign(self, seen: Ballot) -> None:
        await self._change(_RESIGN, self._name, seen.leader, seen.epoch)

    async def watch(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(min(timeout_s, LOOK_S)):
                await self._told.wait()
        except TimeoutError:
            return
        self._told.clear()

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _change(self, statement: str, *values: object) -> Ballot | None:
        changed = await self._ask(statement, *values)
        if changed is not None:
            await self._ask(f"NOTIFY {CHANNEL}")
        return changed

    async def _ask(self, statement: str, *values: object) -> Ballot | None:
        try:
            async with self._lock, asyncio.timeout(CALL_TIMEOUT_S):
                connection = self._connection or await self._connect()
                row = await connection.fetchrow(statement, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            await self.close()
            raise ElectionUnreachable(f"PostgreSQL cannot be asked: {str(error) or 'no answer'}") from None
        return _ballot(row) if row else None

    async def _connect(self) -> "asyncpg.Connection[Any]":
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute("SET synchronous_commit = on")
            await connection.execute(_TABLE)
            await connection.add_listener(CHANNEL, lambda *_: self._told.set())
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        return connection


def _ballot(row: Any) -> Ballot:
    return Ballot(
        row["cluster"], row["epoch"], row["leader"], row["address"], frozenset(row["isr"]), row["revision"],
        row["is_held"],
    )  # fmt: skip
