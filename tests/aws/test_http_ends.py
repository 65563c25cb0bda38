"""HTTP connections that end, by the client or the broker: what was asked for is answered, and nobody waits for more."""

import pytest

from mqbroker.aws.front.call import Call
from mqbroker.protocols.http.limits import HTTP_PIPELINE_MAX
from tests.aws.house import Shop, empty, wait
from tests.aws.http_talk import get
from tests.aws.test_http import NOW, taken


def test_who_sends_no_more_is_answered_and_then_closed() -> None:
    """The end of the stream cut off every answer that was not there at once."""
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a") + get("MessageBody=b") + b"GET / HT", NOW)
    assert session.input_ended(NOW)
    shop.calls[1].answer(None)
    assert taken(session) == []
    shop.calls[0].answer(None)
    assert len(taken(session)) == 2
    assert session.is_closing


def test_nothing_is_waited_for_on_behalf_of_who_may_be_gone() -> None:
    """A long poll would take messages for a client that cannot be told from one that has closed its socket."""

    def poll(call: Call) -> None:
        call.on_hurry = lambda: call.answer({})

    shop = Shop(poll)
    session = shop.session()
    session.receive_data(get("MessageBody=a") * (HTTP_PIPELINE_MAX + 3), NOW)
    assert not session.is_reading
    assert session.input_ended(NOW)
    assert len(taken(session)) == HTTP_PIPELINE_MAX
    assert len(taken(session)) == 3
    assert session.is_closing


def test_whom_an_operator_ends_is_answered_first() -> None:
    """What had been asked for would be done, and the client would not know."""
    shop = Shop(wait)
    session = shop.session()
    session.receive_data(get("MessageBody=a"), NOW)
    assert session.describe()["requests"] == 1
    session.end("an operator has closed it", NOW)
    assert not session.is_closing
    session.receive_data(get("MessageBody=b"), NOW)
    assert len(shop.calls) == 1
    shop.calls[0].answer(None)
    assert len(taken(session)) == 1
    assert session.is_closing


@pytest.mark.parametrize("begun", [b"G", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_request_that_is_under_way_is_turned_away_when_the_broker_stops(begun: bytes) -> None:
    """At a switchover it got no answer, and clients that do not repeat what may have been done gave up."""
    session = Shop(empty).session()
    session.receive_data(begun, NOW)
    session.shut_down(NOW)
    (answer,) = taken(session)
    assert answer.status == 503
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
    assert session.is_closing
    assert session.lingers
