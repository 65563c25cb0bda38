"""Whatever comes is answered with a reason, and never with 500: odd paths, bodies of any JSON, broken HTTP."""

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqbroker.management.limits import BODY_BYTES_MAX
from mqbroker.management.pages import repeats_repeated
from mqbroker.protocols.plain_json import clean, dump
from tests.management.api import Api, segment
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(240)

PATHS = (
    ("PUT", "queues/%2F/fuzz"), ("PUT", "exchanges/%2F/fuzz"), ("POST", "exchanges/%2F/amq.default/publish"),
    ("POST", "queues/%2F/fuzz/get"), ("POST", "bindings/%2F/e/amq.direct/q/fuzz"), ("PUT", "vhosts/fuzz"),
    ("PUT", "permissions/%2F/fuzz"), ("PUT", "topic-permissions/%2F/fuzz"), ("PUT", "policies/%2F/fuzz"),
    ("PUT", "operator-policies/%2F/fuzz"), ("PUT", "parameters/shovel/%2F/fuzz"), ("PUT", "global-parameters/fuzz"),
    ("PUT", "vhost-limits/%2F/max-queues"), ("PUT", "user-limits/fuzz/max-channels"), ("POST", "definitions"),
    ("POST", "definitions/%2F"), ("POST", "users/bulk-delete"), ("PUT", "cluster-name"), ("POST", "login"),
    ("POST", "queues/%2F/fuzz/actions"), ("POST", "mqbroker/queues/%2F/fuzz/move"),
    ("POST", "mqbroker/queues/%2F/fuzz/redrive"), ("DELETE", "mqbroker/queues/%2F/fuzz/messages/1"),
    ("PUT", "auth/hash_password"),
)  # fmt: skip
MEMBERS = (
    "durable", "auto_delete", "arguments", "type", "properties", "routing_key", "payload", "payload_encoding", "count",
    "ackmode", "encoding", "truncate", "description", "tags", "default_queue_type", "metadata", "configure", "write",
    "read", "exchange", "pattern", "definition", "priority", "apply-to", "value", "users", "name", "username",
    "destination", "queues", "exchanges", "bindings", "vhosts", "permissions", "policies", "parameters", "vhost",
    "source", "component", "user", "internal", "action", "limits", "topic_permissions", "global_parameters",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(("fuzz", "/", "string", "auto", "ack_requeue_true", "queue", "", "amq.direct")),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(MEMBERS), st.text(max_size=8)), inner, max_size=4),
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6)
FUZZ = settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(where=st.sampled_from(PATHS), body=BODIES)
def test_no_body_makes_an_internal_error(api: Api, where: tuple[str, str], body: dict[str, Any]) -> None:
    """Wrong types ended in a 500 with an empty body in RabbitMQ."""
    api.put("queues/%2F/fuzz-kept", {"durable": True})
    reply = api.call(*where, body)
    assert reply.status < 500, (where, body, reply)
    if reply.status >= 400 and reply.raw:
        assert isinstance(reply.body["reason"], str)


@FUZZ
@given(
    path=st.lists(st.sampled_from(("queues", "%2F", "exchanges", "bindings", "e", "q", "..", "%2e%2e", "%00", "%ff",
                                   "a b", "users", "amq.default", "nodes", "", "?", "vhosts", "definitions")),
                  max_size=6),
    query=st.dictionaries(st.sampled_from(("page", "page_size", "sort", "columns", "name", "use_regex", "offset",
                                           "sort_reverse", "count", "truncate", "download", "disable_stats")),
                          st.text(alphabet="abc.,*+()[]0123456789-\\{}%&=é", max_size=12), max_size=4),
)  # fmt: skip
def test_no_path_makes_an_internal_error(api: Api, path: list[str], query: dict[str, str]) -> None:
    """Traversal, zeros, columns that are none, pages that are none."""
    asked = "&".join(f"{name}={segment(value)}" for name, value in query.items())
    target = "/".join(path).replace(" ", "%20")
    reply = api.call("GET", f"{target}?{asked}")
    assert reply.status < 500, (path, query, reply)


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"health/checks/port-listener/{DIGITS}", "Invalid port"),
        (f"health/checks/certificate-expiration/{DIGITS}/days", "Invalid expiration value."),
        ("mqbroker/queues/%2F/numbers/messages?count=0000000000001001", "count should be a number up to 1000"),
        ("mqbroker/queues/%2F/numbers/messages?offset=109951162777600", f"offset should be a number up to {1 << 40}"),
        (f"mqbroker/queues/%2F/numbers/messages?truncate={DIGITS}", f"truncate should be a number up to {16 << 20}"),
    ],
)
def test_numbers_with_many_digits_are_refused(api: Api, path: str, reason: str) -> None:
    """Thousands of digits were a 500, and only the first twelve were compared with a bound."""
    api.put("queues/%2F/numbers")
    assert api.refused("GET", path) == (400, "bad_request", reason)
    assert api.get("mqbroker/queues/%2F/numbers/messages?count=0000000000001000&offset=00")["offset"] == 0


@pytest.mark.parametrize("count", ["\u00b2", "--1", DIGITS, "-", "", "1_0", " 1"])
def test_a_count_that_is_no_number_is_refused(api: Api, count: str) -> None:
    """A superscript and two signs were a 500."""
    api.put("queues/%2F/numbers")
    body = {"count": count, "ackmode": "ack_requeue_true", "encoding": "auto"}
    assert api.refused("POST", "queues/%2F/numbers/get", body) == (400, "bad_request", "not_int: count")
    assert api.post("queues/%2F/numbers/get", {**body, "count": "-5"}) == []


RAW = (
    b"GET /api/overview HTTP/1.1\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/overview HTTP/9.9\r\nHost: x\r\n\r\n",
    b"\x00\x01\x02\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /api/overview HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"AMQP\x00\x00\x09\x01",
)


@pytest.mark.parametrize("octets", RAW, ids=[str(number) for number in range(len(RAW))])
def test_broken_http_is_refused(api: Api, octets: bytes) -> None:
    """A front that smuggles, or a stranger: 4xx or nothing, and the next one is served."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    assert not answer or answer.split()[1][:1] == b"4", answer
    assert api.call("GET", "whoami").status == 200


def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    """And not read first."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=20) as connection:
        token = base64.b64encode(b"guest:guest").decode()
        head = f"POST /api/definitions HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n"
        connection.sendall(f"{head}Content-Length: {1 << 40}\r\n\r\n".encode())
        answer = connection.recv(65_536)
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert b"Exceeded HTTP request body size limit" in answer


def test_a_body_within_the_limit_is_read_in_any_pieces(api: Api) -> None:
    """With a length before it, one of more than half the limit was refused: what came was counted twice."""
    queue = {"name": "large-import", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    octets = json.dumps({"queues": [queue]}).encode()
    reply = api.call("POST", "definitions", raw=octets + b" " * (BODY_BYTES_MAX - len(octets)))
    assert reply.status == 204, reply
    assert api.get("queues/%2F/large-import")["durable"]


def test_another_page_can_neither_change_nor_read(api: Api, broker: BrokerProcess) -> None:
    """A browser sends the password that it knows along with what any page asks for."""
    evil = {"Origin": "http://evil.example"}
    reply = api.call("PUT", "queues/%2F/forged", {}, evil)
    assert reply.reason == (401, "not_authorised", "Origin not allowed")
    reply = api.call("GET", "overview", headers=evil)
    assert "access-control-allow-origin" not in reply.headers
    assert "access-control-allow-origin" not in api.call("OPTIONS", "overview", headers=evil).headers
    own = {"Origin": f"http://127.0.0.1:{api.port}"}
    assert api.call("PUT", "queues/%2F/own-page", {}, own).status == 201


def test_a_session_that_is_forged_is_nobodys(api: Api) -> None:
    """Cookies are random, and a change with one needs the header of the console."""
    nobody = api.of("", "")
    assert nobody.call("GET", "whoami", headers={"Cookie": "mqbroker_session=guest"}).status == 401
    reply = nobody.call("POST", "login", {"username": "guest", "password": "guest"})
    cookie = reply.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    sent = {"Cookie": cookie.split(";")[0]}
    assert nobody.call("GET", "whoami", headers=sent).status == 200
    assert nobody.call("PUT", "queues/%2F/cookie", {}, sent).status == 401
    assert nobody.call("PUT", "queues/%2F/cookie", {}, {**sent, "X-Requested-With": "x"}).status == 201
    assert nobody.call("DELETE", "login", headers=sent).status == 204
    assert nobody.call("GET", "whoami", headers=sent).status == 401
    api.add_user("changes", "management")
    reply = nobody.call("POST", "login", {"username": "changes", "password": "secret"})
    sent = {"Cookie": reply.headers["set-cookie"].split(";")[0]}
    assert nobody.call("GET", "whoami", headers=sent).status == 200
    api.put("users/changes", {"password": "another", "tags": "management"})
    assert nobody.call("GET", "whoami", headers=sent).status == 401
    for body in ({"username": "guest"}, {"username": 5, "password": 5}, {}):
        assert nobody.call("POST", "login", body).status == 400


def test_settings_and_the_access_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A prefix, an origin that is let in, and a line for each request in which nobody can forge another."""
    options = ('path_prefix = "/mq"', 'origins = ["https://ops.example"]', "access_log = true", "body_size_max = 2048")
    config = "\n".join(("[management]", *options))
    folder = tmp_path_factory.mktemp("settings")
    with BrokerProcess(folder / "data", "--dev", schemes=("management",), config=config) as process:
        api = Api(process.ports["management"])
        agent = {"User-Agent": 'a"b\\', "Origin": "https://ops.example"}
        reply = api.call("PUT", "/mq/api/queues/%2F/prefixed", {}, agent)
        assert reply.status == 201
        assert reply.headers["access-control-allow-origin"] == "https://ops.example"
        reply = api.call("OPTIONS", "/mq/api/overview", headers={**agent, "Access-Control-Request-Headers": "x-a"})
        assert reply.headers["access-control-allow-methods"] == "HEAD, GET, OPTIONS"
        assert reply.headers["access-control-allow-headers"] == "x-a"
        assert api.call("GET", "/mq/").headers["content-type"].startswith("text/html")
        assert api.call("GET", "/api/overview").status == 404
        reply = api.call("PUT", "/mq/api/queues/%2F/large", raw=b" " * 4096)
        assert reply.reason == (400, "bad_request", "Exceeded HTTP request body size limit")
    (line,) = [line for line in process.log().splitlines() if "PUT /mq/api/queues/%2F/prefixed" in line]
    assert "127.0.0.1 - guest [" in line
    assert line.endswith('"PUT /mq/api/queues/%2F/prefixed HTTP/1.1" 201 0 "" "a\\"b\\\\"')


def test_a_check_that_only_connects_leaves_no_word_in_the_log(tmp_path: Path) -> None:
    """Each connection that a load balancer's check opened and closed at once left a traceback."""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("management", "prometheus", "aws")) as process:
        for scheme in process.schemes * 20:
            for octets in (b"", b"GET /api/over"):
                with socket.create_connection(("127.0.0.1", process.ports[scheme]), timeout=20) as connection:
                    connection.sendall(octets)
        for scheme in process.schemes:
            with socket.create_connection(("127.0.0.1", process.ports[scheme]), timeout=20) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert connection.recv(4).startswith(b"HTTP")
        process.stop()
    assert not [line for line in process.log().splitlines() if "ERROR" in line or "Traceback" in line]


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
                    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner))))  # fmt: skip
def test_whatever_clients_have_named_becomes_json(value: Any) -> None:
    """Octets that are no text, and numbers that are too large."""
    json.loads(dump(value))
    json.loads(dump({"\udcff": [value, "\udcff"]}))
    assert clean("\udcff") == "\ufffd"


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*b", "((a*)b)*", "(a{1,9}){2,}", "([a+]|b)+"])
def test_patterns_without_end_are_known(pattern: str) -> None:
    """One of these took longer than the universe is old."""
    assert repeats_repeated(pattern)


@pytest.mark.parametrize("pattern", ["a+b*", "(abc)+", "^orders", "(a|b)", r"\(a+\)+", "[(a+)+]x", ".*x.*"])
def test_patterns_with_an_end_are_taken(pattern: str) -> None:
    """What people search for."""
    assert not repeats_repeated(pattern)
