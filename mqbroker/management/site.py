"""What aiohttp serves: the API, the pages beside it, and on ports of their own the metrics."""

import logging

from aiohttp import web

from mqbroker.management.api import (
    access_keys,
    audit,
    bindings,
    connections,
    consumers,
    definitions,
    exchanges,
    extras,
    following,
    health,
    held,
    limits,
    logs,
    looking,
    mending,
    messages,
    nodes,
    overview,
    parameters,
    pausing,
    permissions,
    policies,
    queues,
    traces,
    users,
    vhosts,
    views,
)
from mqbroker.management.call import Routes
from mqbroker.management.cors import Cors
from mqbroker.management.front import Front
from mqbroker.management.ground import Ground
from mqbroker.management.limits import HEAD_LINE_BYTES_MAX

_MODULES = (
    overview, nodes, vhosts, users, permissions, limits, exchanges, queues, bindings, messages, looking, mending,
    connections, consumers, policies, parameters, definitions, health, extras, views, following,
    audit, logs, access_keys, pausing, traces, held,
)  # fmt: skip


_silent = logging.getLogger("mqbroker.management.http")
_silent.disabled = True  # aiohttp logs a traceback for each request that is no HTTP; whoever sends it is answered 400


def all_routes() -> Routes:
    """Every path of the API."""
    routes = Routes()
    for module in _MODULES:
        module.add_to(routes)
    return routes


def make_server(ground: Ground, is_for_metrics: bool) -> web.Server:
    """What makes aiohttp's side of connections."""
    front = Front(ground, Routes() if is_for_metrics else all_routes(), Cors(ground.config.origins), is_for_metrics)
    return web.Server(
        front.handle,
        tcp_keepalive=False,
        access_log=None,
        logger=_silent,
        max_line_size=HEAD_LINE_BYTES_MAX,
        max_field_size=HEAD_LINE_BYTES_MAX,
    )
