"""GET mqbroker/audit: the newest records of the audit trail, and of those whom or what one asks for."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mqbroker.management.answers import Answer
from mqbroker.management.bodies import whole_number
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR
from mqbroker.management.limits import AUDIT_LOOKED_AT_MAX, AUDIT_SHOWN_MAX
from mqbroker.management.refusals import bad_request
from mqbroker.runtime.audit.chain import newest_first


def add_to(routes: Routes) -> None:
    """Adds the path of this module."""
    routes.add("mqbroker/audit", ADMINISTRATOR, GET=records)


async def records(call: Call) -> Answer:
    """GET mqbroker/audit?count=100&user=U&event=E&object=O, the newest first. `object` is a value of a parameter."""
    folder = call.ground.services.audit.folder
    count = whole_number(call.query.get("count", "100"), AUDIT_SHOWN_MAX)
    if not count:
        raise bad_request(f"count should be a number from 1 to {AUDIT_SHOWN_MAX}")
    if not folder:
        return Answer(body=[])
    return Answer(body=await asyncio.to_thread(_found, Path(folder), dict(call.query), count))


def _found(folder: Path, query: Mapping[str, str], count: int) -> list[dict[str, Any]]:
    looked_at = islice(newest_first(folder), AUDIT_LOOKED_AT_MAX)
    return list(islice((each for each in looked_at if _matches(each, query)), count))


def _matches(record: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    user, event, thing = query.get("user"), query.get("event"), query.get("object")
    if user is not None and record["userIdentity"].get("userName") != user:
        return False
    if event is not None and record["eventName"] != event:
        return False
    return thing is None or thing in (record["requestParameters"] or {}).values()
