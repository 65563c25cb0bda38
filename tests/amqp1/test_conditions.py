"""What refusals are in the protocol's words."""

import pytest

from mqbroker.errors import AccessPending, AccessRefused, InvalidSelector, MqbrokerError, PreconditionFailed
from mqbroker.protocols.amqp1 import conditions


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (AccessPending("later", lambda _: None), AccessRefused("later")),
        (InvalidSelector("odd", 0), PreconditionFailed("odd")),
    ],
)
def test_a_refusal_of_a_narrower_kind_is_one_of_the_wider_kind(error: MqbrokerError, base: MqbrokerError) -> None:
    """A right that a service had yet to decide about was an internal error of the broker."""
    found, wider = conditions.fault_of(error), conditions.fault_of(base)
    assert (found.scope, found.condition) == (wider.scope, wider.condition)
    assert found.condition != conditions.INTERNAL_ERROR


def test_what_is_of_no_kind_is_an_internal_error() -> None:
    assert conditions.fault_of(MqbrokerError("odd")).condition == conditions.INTERNAL_ERROR
