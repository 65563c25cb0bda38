"""The list of protocols: no two of them claim the same."""

from collections.abc import Callable, Iterable

import pytest

from mqbroker.core.properties import PROTOCOL_BITS
from mqbroker.protocols.protocol import Protocol
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS
from tests.plug.__main__ import PLUGGED

CLAIMS: dict[str, Callable[[Protocol], Iterable[object]]] = {
    "names": lambda each: (each.name,),
    "schemes": lambda each: [name for scheme in each.schemes for name in (scheme.name, *scheme.aliases)],
    "ports": lambda each: [scheme.default_port for scheme in each.schemes],
    "sections": lambda each: (each.section,) if each.section is not None else (),
    "subprotocols": lambda each: each.subprotocols,
    "paths of WebSockets": lambda each: (each.websocket_path,) if each.websocket_path else (),
    "kinds of definitions": lambda each: each.kinds,
    "codes of properties": lambda each: each.formats(),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_two_protocols_claim_the_same(claim: str) -> None:
    claimed = [each for protocol in PLUGGED for each in CLAIMS[claim](protocol)]
    assert len(set(claimed)) == len(claimed)


def test_one_protocol_is_meant_by_websockets_that_name_none() -> None:
    assert [each.is_websocket_default for each in PROTOCOLS].count(True) == 1


def test_codes_of_properties_leave_room_for_the_marks_beside_them() -> None:
    assert all(0 < code <= PROTOCOL_BITS for code in formats_of(PLUGGED))


def test_timed_kinds_are_kinds() -> None:
    assert all(each.timed_kinds <= set(each.kinds) for each in PROTOCOLS)
