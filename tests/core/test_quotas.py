"""Limits of vhosts and users, in RabbitMQ 3.10.8's words."""

import pytest

from mqbroker.core.rabbitmq.quotas import (
    NO_USER_LIMITS,
    NO_VHOST_LIMITS,
    UserLimits,
    VHostLimits,
    parse_user_limits,
    parse_vhost_limits,
)
from mqbroker.errors import NotAllowed, PreconditionFailed


def test_nothing_is_limited_by_default_or_by_a_negative_number() -> None:
    for limits in (NO_VHOST_LIMITS, VHostLimits(-1, -1, -1)):
        limits.check_connections("v", "u", 10**9)
        limits.check_queues("v", "q", 10**9)
        limits.check_exchanges("v", "x", 10**9)
    NO_USER_LIMITS.check_connections("u", 10**9)
    NO_USER_LIMITS.check_channels("u", 10**9)


def test_one_more_than_the_limit_is_refused() -> None:
    VHostLimits(max_connections=1).check_connections("v", "u", 0)
    with pytest.raises(NotAllowed) as connections:
        VHostLimits(max_connections=1).check_connections("v", "u", 1)
    assert str(connections.value) == "access to vhost 'v' refused for user 'u': connection limit (1) is reached"
    with pytest.raises(PreconditionFailed) as queues:
        VHostLimits(max_queues=0).check_queues("v", "q", 0)
    assert str(queues.value) == "cannot declare queue 'q': queue limit in vhost 'v' (0) is reached"
    with pytest.raises(PreconditionFailed) as exchanges:
        VHostLimits(max_exchanges=7).check_exchanges("v", "x", 7)
    assert str(exchanges.value) == "cannot declare exchange 'x' in vhost 'v': exchange limit of 7 is reached"
    with pytest.raises(NotAllowed) as users:
        UserLimits(max_connections=1).check_connections("u", 1)
    assert str(users.value) == "connection refused for user 'u': user connection limit (1) is reached"
    with pytest.raises(NotAllowed) as channels:
        UserLimits(max_channels=0).check_channels("u", 0)
    assert str(channels.value) == (
        "number of channels opened for user 'u' has reached the maximum allowed user limit of (0)"
    )


def test_definitions_are_parsed() -> None:
    assert parse_vhost_limits({"max-connections": 5, "max-queues": -1}) == VHostLimits(5, -1)
    assert parse_user_limits({"max-channels": 5}) == UserLimits(-1, 5)
    assert parse_user_limits({}) == NO_USER_LIMITS


def test_definitions_that_are_wrong_are_refused() -> None:
    with pytest.raises(PreconditionFailed) as unknown:
        parse_vhost_limits({"max-bogus": 1})
    assert str(unknown.value) == 'Unrecognised terms [{<<"max-bogus">>,1}] in limits'
    with pytest.raises(PreconditionFailed) as unknown:
        parse_user_limits({"max-bogus": 1})
    assert str(unknown.value) == 'Unrecognised terms [{<<"max-bogus">>,1}] in user-limits'
    with pytest.raises(PreconditionFailed) as wrong:
        parse_vhost_limits({"max-connections": "x"})
    assert str(wrong.value) == 'max-connections should be a number, actually was <<"x">>'
