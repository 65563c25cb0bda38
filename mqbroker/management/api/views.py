"""What protocols show of themselves (protocols/views.py), below /api/mqbroker: sessions of MQTT, what is retained,
queues of SQS, topics of SNS; and the pair.

Who looks needs the tag `monitoring` and some permission in the vhost, as for queues; for what has content, such as a
retained message, the right to read it besides. Who does something needs the tag `administrator`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any

from mqbroker.management.answers import NO_CONTENT, Answer, Listing
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import ADMINISTRATOR, MONITORING
from mqbroker.management.limits import KEYS_SLICE_ITEMS, SWITCHOVER_DELAY_S
from mqbroker.management.refusals import bad_request, missing
from mqbroker.protocols.views import View

Level = tuple[str, str, int]
"""A vhost, how the names of a branch begin, and how many there are."""


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("mqbroker/views", MONITORING, GET=names)
    routes.add("mqbroker/views/:protocol/:view", MONITORING, GET=things)
    routes.add("mqbroker/views/:protocol/:view/:vhost/:name", MONITORING, GET=thing)
    routes.add("mqbroker/views/:protocol/:view/:vhost/:name", ADMINISTRATOR, DELETE=delete)
    routes.add("mqbroker/views/:protocol/:view/:vhost/:name/:act", ADMINISTRATOR, POST=act)
    routes.add("mqbroker/pair", MONITORING, GET=pair)
    routes.add("mqbroker/pair/switchover", ADMINISTRATOR, POST=switch_over)


def names(call: Call) -> Answer:
    """GET mqbroker/views: which there are."""
    return Answer(body=sorted(call.ground.node.views))


def _view(call: Call) -> View:
    found = call.ground.node.views.get(f"{call.name('protocol')}/{call.name('view')}")
    if found is None:
        raise missing()
    return found


async def _visible(call: Call, view: View) -> list[Any]:
    """Those that the caller may know of. There may be a million, so others have their turn meanwhile."""
    vhosts = {vhost.name for vhost in call.caller.usable()}
    wanted = call.query.get("vhost")
    if wanted is not None:
        vhosts &= {wanted}
    return [each async for each in _in_turns(view) if view.place(each)[0] in vhosts]


async def _in_turns(view: View) -> AsyncIterator[Any]:
    for number, each in enumerate(view.things(), 1):
        yield each
        if number % KEYS_SLICE_ITEMS == 0:
            await asyncio.sleep(0)


async def things(call: Call) -> Listing:
    """GET mqbroker/views/PROTOCOL/VIEW: all of them; with `?level=a/b` the next level of a tree of names below that."""
    view = _view(call)
    if view.separator and "level" in call.query:
        return _levels(view, await _visible(call, view), call.query["level"])

    def shown(each: Any) -> dict[str, Any]:
        vhost, name = view.place(each)
        return {"vhost": vhost, "name": name, **view.show(each, call.now)}

    return Listing(await _visible(call, view), shown, view.place)


def _levels(view: View, found: Iterable[Any], above: str) -> Listing:
    separator = view.separator
    start = f"{above}{separator}" if above else ""
    counted: Counter[tuple[str, str]] = Counter()
    leaves: set[tuple[str, str]] = set()
    for each in found:
        vhost, name = view.place(each)
        if not name.startswith(start):
            continue
        level, divided, _ = name[len(start) :].partition(separator)
        place = vhost, start + level
        counted[place] += 1
        if not divided:
            leaves.add(place)
    branches = [(vhost, name, count) for (vhost, name), count in counted.items()]

    def shown(branch: Level) -> dict[str, Any]:
        vhost, name, count = branch
        is_leaf = (vhost, name) in leaves
        return {"vhost": vhost, "name": name, "count": count, "is_leaf": is_leaf, "below": count - is_leaf}

    return Listing(branches, shown, lambda branch: (branch[0], branch[1]))


def _found(call: Call, view: View) -> Any:
    vhost, name = call.vhost().name, call.name("name")
    call.caller.require_use(vhost)
    if view.find is not None:
        found = view.find(vhost, name)
    else:
        found = next((each for each in view.things() if view.place(each) == (vhost, name)), None)
    if found is None:
        raise missing()
    return found


def thing(call: Call) -> Answer:
    """GET mqbroker/views/PROTOCOL/VIEW/V/NAME."""
    view = _view(call)
    found = _found(call, view)
    vhost, name = view.place(found)
    if view.topic is not None:
        exchange, key = view.topic(found)
        call.caller.check("read", vhost, "exchange", exchange)
        call.caller.check_topic("read", vhost, exchange, key)
    return Answer(body={"vhost": vhost, "name": name, **view.show(found, call.now), **view.detail(found, call.now)})


async def delete(call: Call) -> Answer:
    """DELETE mqbroker/views/PROTOCOL/VIEW/V/NAME: one, or with `?branch=true` all whose names begin so."""
    view = _view(call)
    do = view.acts.get("delete")
    if do is None:
        raise bad_request("nothing of this can be deleted here")
    if not (view.separator and call.flag("branch")):
        do(_found(call, view), {}, call.now)
        return NO_CONTENT
    vhost, name = call.vhost_to_use().name, call.name("name")
    found = [each async for each in _in_turns(view) if _is_in(view, view.place(each), vhost, name)]
    for each in found:
        do(each, {}, call.now)
    return Answer(body={"deleted": len(found)})


def _is_in(view: View, place: tuple[str, str], vhost: str, branch: str) -> bool:
    return place[0] == vhost and (place[1] == branch or place[1].startswith(branch + view.separator))


def act(call: Call) -> Answer:
    """POST mqbroker/views/PROTOCOL/VIEW/V/NAME/ACT: what else may be done with one."""
    view = _view(call)
    do = view.acts.get(call.name("act"))
    if do is None:
        raise missing()
    return Answer(body=do(_found(call, view), call.body, call.now))


def switch_over(call: Call) -> Answer:
    """POST mqbroker/pair/switchover: this node stops in order, and a standby that is in sync takes over."""
    switch = call.ground.node.switch_over
    found = {"error": "this node is alone"} if switch is None else switch(SWITCHOVER_DELAY_S)
    if "error" in found:
        raise bad_request(str(found["error"]))
    return Answer(202, found)


def pair(call: Call) -> Answer:
    """GET mqbroker/pair: what this node knows of its pair; an empty object where it is alone."""
    status = call.ground.node.pair
    return Answer(body={} if status is None else dict(status()))
