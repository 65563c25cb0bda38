"""An election store in etcd, through the JSON gateway of its v3 API (etcd 3.4 or later).

    /mqbroker/NAME/ballot   JSON: cluster, epoch, leader, address, isr. Its mod_revision is the ballot's revision.
    /mqbroker/NAME/lease    "LEADER EPOCH", bound to the leader's lease: it is gone when that ends

A change is one transaction that compares the revision of the ballot. etcd's locks and elections are not used: Jepsen
found that a lock can be held twice (etcd 3.4.3); what is compared in the transaction that counts cannot.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from mqbroker.errors import ElectionUnreachable
from mqbroker.replication.ballot import Ballot
from mqbroker.replication.election import Election

CALL_TIMEOUT_S = 2.0
_UNAUTHENTICATED = 16  # google.rpc.Code
_OLD = "revision of auth store is old"

Json = dict[str, Any]


class EtcdElection(Election):
    """One node's view. `urls` are tried in turn."""

    def __init__(
        self,
        urls: Sequence[str],
        name: str,
        ttl_s: int,
        user: str = "",
        password: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._urls = [url.rstrip("/") for url in urls]
        self._ballot_key = _encoded(f"/mqbroker/{name}/ballot")
        self._lease_key = _encoded(f"/mqbroker/{name}/lease")
        self._end_key = _encoded(f"/mqbroker/{name}/lease\0")
        self._ttl_s = ttl_s
        self._user, self._password = user, password
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._lease = 0
        self._seen_revision = 0

    async def read(self) -> Ballot | None:
        found = await self._call("kv/range", {"key": self._ballot_key, "range_end": self._end_key})
        self._seen_revision = int(found["header"]["revision"])
        return self._ballot(found.get("kvs", ()))

    def _ballot(self, pairs: Sequence[Json]) -> Ballot | None:
        values = {pair["key"]: pair for pair in pairs}
        stored = values.get(self._ballot_key)
        if stored is None:
            return None
        lease = values.get(self._lease_key)
        ballot = _read(stored, int(stored["mod_revision"]))
        return ballot._replace(is_held=lease is not None and lease["value"] == _holder(ballot))

    async def found(self, cluster: str, node: str, address: str, epoch: int) -> Ballot | None:
        ballot = Ballot(cluster, epoch, node, address, frozenset((node,)), 0, True)
        return await self._lead(ballot, [_is_created_at(self._ballot_key, 0)])

    async def acquire(self, seen: Ballot, node: str, address: str) -> Ballot | None:
        ballot = seen._replace(epoch=seen.epoch + 1, leader=node, address=address, is_held=True)
        is_free = _is_created_at(self._lease_key, 0)
        return await self._lead(ballot, [is_free, self._is_unchanged(seen)])

    async def _lead(self, ballot: Ballot, compares: list[Json]) -> Ballot | None:
        """Puts the ballot and a new lease."""
        lease = await self._grant()
        changes = [_put(self._ballot_key, _written(ballot)), _put(self._lease_key, _holder(ballot), lease)]
        revision = await self._change(compares, changes)
        if not revision:
            await self._revoke(lease)
            return None
        self._lease = lease
        return ballot._replace(revision=revision)

    async def renew(self, mine: Ballot) -> Ballot | None:
        ballot = await self.read()
        if ballot is None or not ballot.is_led_by(mine.leader, mine.epoch):
            return None
        if ballot.is_held and await self._keep_alive():
            return ballot
        lease = await self._grant()
        is_free = _is_created_at(self._lease_key, 0)
        put = _put(self._lease_key, _holder(ballot), lease)
        if await self._change([is_free, self._is_unchanged(ballot)], [put]):
            self._lease = lease
            return ballot._replace(is_held=True)
        await self._revoke(lease)
        ballot = await self.read()
        return ballot if ballot and ballot.is_led_by(mine.leader, mine.epoch) else None

    async def cas_isr(self, mine: Ballot, isr: frozenset[str]) -> Ballot | None:
        ballot = mine._replace(isr=isr)
        revision = await self._change([self._is_unchanged(mine)], [_put(self._ballot_key, _written(ballot))])
        return ballot._replace(revision=revision) if revision else None

    async def resign(self, seen: Ballot) -> None:
        is_theirs = {"key": self._lease_key, "target": "VALUE", "result": "EQUAL", "value": _holder(seen)}
        await self._change([is_theirs], [{"request_delete_range": {"key": self._lease_key}}])

    async def watch(self, timeout_s: float) -> None:
        request = {
            "key": self._ballot_key, "range_end": self._end_key, "start_revision": str(self._seen_revision + 1),
        }  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                await self._watch({"create_request": request})
        except TimeoutError:
            return
        except (aiohttp.ClientError, ValueError, OSError):
            await asyncio.sleep(min(timeout_s, 0.2))  # the next call finds out

    async def _watch(self, request: Json) -> None:
        url = f"{self._urls[0]}/v3/watch"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._client().post(url, data=orjson.dumps(request), timeout=timeout, **self._extras()) as answer:
            async for line in answer.content:
                result = orjson.loads(line).get("result", {})
                if "events" in result or not result.get("created"):
                    return

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # --- leases -------------------------------------------------------------------------------------------------------

    async def _grant(self) -> int:
        return int((await self._call("lease/grant", {"TTL": str(self._ttl_s)}))["ID"])

    async def _keep_alive(self) -> bool:
        if not self._lease:
            return False
        answer = await self._call("lease/keepalive", {"ID": str(self._lease)})
        return int(answer.get("result", {}).get("TTL", 0)) > 0

    async def _revoke(self, lease: int) -> None:
        await self._call("lease/revoke", {"ID": str(lease)})

    # --- calls --------------------------------------------------------------------------------------------------------

    def _is_unchanged(self, seen: Ballot) -> Json:
        return {"key": self._ballot_key, "target": "MOD", "result": "EQUAL", "mod_revision": str(seen.revision)}

    async def _change(self, compares: list[Json], changes: list[Json]) -> int:
        """Makes the changes if all comparisons hold; the revision they have made, 0 if one does not hold."""
        answer = await self._call("kv/txn", {"compare": compares, "success": changes})
        return int(answer["header"]["revision"]) if answer.get("succeeded") else 0

    async def _call(self, path: str, content: Json) -> Json:
        trouble = "no address is configured"
        for _ in range(len(self._urls)):
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    return await self._post(path, content)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                trouble = f"{self._urls[0]}: {str(error) or 'no answer'}"
                self._urls.append(self._urls.pop(0))
        raise ElectionUnreachable(f"etcd cannot be asked: {trouble}")

    async def _post(self, path: str, content: Json) -> Json:
        if self._user and not self._token:
            await self._log_in()
        answer = await self._send(path, content)
        if self._token and (answer.get("code") == _UNAUTHENTICATED or _OLD in str(answer.get("error"))):
            await self._log_in()  # etcd was started anew, or somebody has changed its users
            answer = await self._send(path, content)
        if "error" in answer and not path.startswith("lease/revoke"):
            raise ValueError(str(answer["error"]))
        return answer

    async def _log_in(self) -> None:
        self._token = ""
        answer = await self._send("auth/authenticate", {"name": self._user, "password": self._password})
        if "token" not in answer:
            raise ValueError(f"user {self._user!r} cannot log in: {answer.get('error', answer)}")
        self._token = answer["token"]

    async def _send(self, path: str, content: Json) -> Json:
        url = f"{self._urls[0]}/v3/{path}"
        async with self._client().post(url, data=orjson.dumps(content), **self._extras()) as answer:
            said = orjson.loads(await answer.read())
        if not isinstance(said, dict):
            raise ValueError(f"{url} answered {said!r}")
        return said

    def _extras(self) -> Mapping[str, Any]:
        headers = {"Authorization": self._token} if self._token else {}
        return {"headers": headers, "ssl": self._context if self._context is not None else True}

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _holder(ballot: Ballot) -> str:
    return _encoded(f"{ballot.leader} {ballot.epoch}")


def _written(ballot: Ballot) -> str:
    said = {
        "cluster": ballot.cluster, "epoch": ballot.epoch, "leader": ballot.leader, "address": ballot.address,
        "isr": sorted(ballot.isr),
    }  # fmt: skip
    return base64.b64encode(orjson.dumps(said)).decode()


def _read(stored: Json, revision: int) -> Ballot:
    said = orjson.loads(base64.b64decode(stored["value"]))
    return Ballot(
        said["cluster"], said["epoch"], said["leader"], said["address"], frozenset(said["isr"]), revision, False
    )


def _put(key: str, value: str, lease: int = 0) -> Json:
    return {"request_put": {"key": key, "value": value, "lease": str(lease)}}


def _is_created_at(key: str, revision: int) -> Json:
    return {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": str(revision)}
