"""Exchanges: listed, declared, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqbroker.core.rabbitmq.declaring import declare_exchange
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.stats import Flow
from mqbroker.core.vhost import VHost
from mqbroker.errors import AccessRefused
from mqbroker.management.answers import NO_CONTENT, Answer, Listing, put_answer
from mqbroker.management.api.queues import check_name
from mqbroker.management.call import Call, Routes
from mqbroker.management.caller import MANAGEMENT
from mqbroker.management.ground import Ground
from mqbroker.management.refusals import missing
from mqbroker.management.stats import with_rate

_INTERNAL_USER = "rmq-internal"


def add_to(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("exchanges", MANAGEMENT, GET=exchanges)
    routes.add("exchanges/:vhost", MANAGEMENT, GET=exchanges)
    routes.add("exchanges/:vhost/:exchange", MANAGEMENT, GET=exchange, PUT=put_exchange, DELETE=delete_exchange)


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange of a vhost, or the one without a name."""

    vhost: VHost
    exchange: Exchange | None

    @property
    def name(self) -> str:
        """Its name."""
        return "" if self.exchange is None else self.exchange.name

    @property
    def flow(self) -> Flow:
        """What it has counted."""
        return self.vhost.default_flow if self.exchange is None else self.exchange.flow


def shown_exchanges(vhost: VHost) -> list[Shown]:
    """Those of a vhost, the one without a name included."""
    return [Shown(vhost, None), *(Shown(vhost, each) for each in vhost.exchanges.values())]


def exchanges(call: Call) -> Listing:
    """GET exchanges, and those of a vhost."""
    found = [each for vhost in call.vhosts() for each in shown_exchanges(vhost)]
    return Listing(found, lambda each: describe(call.ground, each), lambda each: (each.vhost.name, each.name))


def describe(ground: Ground, shown: Shown) -> dict[str, Any]:
    """An exchange."""
    exchange, vhost = shown.exchange, shown.vhost.name
    policy = None if exchange is None else ground.broker.policies.matching(vhost, "exchange", exchange.name)
    arguments: Mapping[str, Any] = {} if exchange is None else exchange.arguments
    return {
        "name": shown.name,
        "vhost": vhost,
        "type": "direct" if exchange is None else exchange.kind,
        "durable": exchange is None or exchange.durable,
        "auto_delete": exchange is not None and exchange.auto_delete,
        "internal": exchange is not None and exchange.internal,
        "arguments": arguments,
        "policy": None if policy is None else policy.name,
        "user_who_performed_action": _INTERNAL_USER if is_predeclared(shown.name) else "",
        "message_stats": _stats(shown.flow, ground.trends.rates(shown.flow)),
    }


def _stats(flow: Flow, rates: Mapping[str, float]) -> dict[str, Any]:
    if not flow.received:
        return {}
    return {
        **with_rate("publish_in", flow.received, rates.get("received", 0.0)),
        **with_rate("publish_out", flow.routed, rates.get("routed", 0.0)),
    }


def is_predeclared(name: str) -> bool:
    """Whether it is always there."""
    return not name or name.startswith("amq.")


def found_exchange(call: Call, vhost: VHost) -> Shown:
    """The exchange of the path. Raises Refusal."""
    name = call.name("exchange")
    if name and name not in vhost.exchanges:
        raise missing()
    return Shown(vhost, vhost.exchanges.get(name))


def exchange(call: Call) -> Answer:
    """GET exchanges/V/X."""
    found = found_exchange(call, call.vhost())
    return Answer(body={**describe(call.ground, found), "incoming": [], "outgoing": []})


def put_exchange(call: Call) -> Answer:
    """PUT exchanges/V/X: like exchange.declare; a direct one unless it says otherwise."""
    vhost, name = call.vhost_to_use(), call.name("exchange")
    check_name("exchange", name)
    refuse_default(name)
    arguments = call.table("arguments")
    call.caller.check("configure", vhost.name, "exchange", name)
    alternate = arguments.get("alternate-exchange")
    if isinstance(alternate, str):
        call.caller.check("read", vhost.name, "exchange", name)
        call.caller.check("write", vhost.name, "exchange", alternate)
    is_new = name not in vhost.exchanges
    is_durable = call.truth("durable")
    flags = is_durable, call.truth("auto_delete"), call.truth("internal")
    declare_exchange(vhost, name, call.string("type", "direct"), *flags, arguments)
    return put_answer(is_new)


def refuse_default(name: str) -> None:
    """Raises AccessRefused for the exchange without a name."""
    if not name:
        raise AccessRefused("operation not permitted on the default exchange")


def delete_exchange(call: Call) -> Answer:
    """DELETE exchanges/V/X."""
    vhost = call.vhost_to_use()
    found = found_exchange(call, vhost)
    refuse_default(found.name)
    call.caller.check("configure", vhost.name, "exchange", found.name)
    vhost.delete_exchange(found.name, call.flag("if-unused"))
    return NO_CONTENT
