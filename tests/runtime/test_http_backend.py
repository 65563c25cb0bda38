"""Log-ins that a service over HTTP decides, with real clients, and services that answer badly or not at all."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pytest

from mqbroker.clock import Clock
from mqbroker.core.access.access import Permissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.backends import Verdict
from mqbroker.runtime.authenticator import PooledAuthenticator
from mqbroker.runtime.backend_chain import BackendChain
from tests.management.api import Api
from tests.mqtt.paho_client import Paho
from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


class Service:
    """What rabbitmq_auth_backend_http would ask."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answers = {"/user": b"deny", "/vhost": b"allow"}
        self.statuses: dict[str, int] = {}
        self.delay_s = 0.0
        """How long an answer about rights takes."""
        self.hold = threading.Event()
        self.hold.set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                self.answer("GET", parts.path, parts.query)

            def do_POST(self) -> None:
                self.answer("POST", self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def answer(self, method: str, path: str, form: str) -> None:
                fields = {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
                service.asked.append((method, path, fields))
                service.hold.wait(30)
                time.sleep(service.delay_s if path in ("/resource", "/topic") else 0)
                body = service.answers[path]
                self.send_response(service.statuses.get(path, 200))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that denies until a test says otherwise."""
    found = Service()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    found.hold.set()
    found.server.shutdown()
    found.server.server_close()
    thread.join(10)


@contextmanager
def broker_with(service: Service, folder: Path, **options: object) -> Iterator[BrokerProcess]:
    """A broker that asks it after itself."""
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    config = f"""
vhosts = [{{name = "other"}}]
[auth]
backends = ["internal", "http"]
[auth.http]
user_path = "{service.url}/user"
vhost_path = "{service.url}/vhost"
like = "device"
{lines}
[[users]]
name = "device"
password = "unused"
[[users.permissions]]
vhost = "/"
configure = "^mine"
write = ".*"
read = ".*"
"""
    schemes = ("amqp", "management", "mqtt", "stomp")
    with BrokerProcess(folder / "data", "--dev", schemes=schemes, config=config) as process:
        yield process
        assert "Traceback" not in process.log()


def connect(broker: BrokerProcess, user: str, password: str = "pw", vhost: str = "/") -> Any:
    """An AMQP connection of theirs."""
    credentials = pika.PlainCredentials(user, password)
    where = pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], vhost, credentials)
    return pika.BlockingConnection(where)


class Generous:
    """A source of users that lets everybody do everything."""

    async def authenticate(self, user: str, password: bytes, address: str, details: Mapping[str, str]) -> Verdict:
        return Verdict(("administrator",), {"/": Permissions(".*", ".*", ".*")})

    async def allows(self, fields: Mapping[str, str]) -> bool:
        return True

    def close(self) -> None: ...


async def test_users_of_the_configuration_keep_their_rights_while_they_are_hashed() -> None:
    """For moments after the start a service made an administrator of a user of the broker's own, and for good."""
    clock, broker = Clock(), Broker(Ledger(), lambda: "name")
    broker.add_vhost("/")
    broker.provisional_users.add("ann")
    broker.put_user("ann", "", ["monitoring"])
    logins = PooledAuthenticator(broker.access, clock)
    logins.expect("ann", b"one")
    chain = BackendChain(broker, clock, logins, ("internal", "http"), {"http": Generous()}, 0)
    answers: asyncio.Queue[bool] = asyncio.Queue()
    for user in ("ann", "eve"):
        chain.check(user, b"other", answers.put_nowait)
        assert await asyncio.wait_for(answers.get(), 30)
    chain.close()
    logins.close()
    ann, eve = broker.access.user("ann"), broker.access.user("eve")
    assert (*ann.tags, *eve.tags) == ("monitoring", "administrator")
    assert (*ann.permissions, *eve.permissions) == ("/",)
    assert not ann.permissions


def follow(connection: Any) -> None:
    """Goes on until the connection is closed, or for ten seconds."""
    for _ in range(20):
        connection.process_data_events(0.5)


def test_a_service_lets_users_in_with_tags_and_the_rights_of_another(tmp_path: Path, service: Service) -> None:
    """Whoever has rabbitmq_auth_backend_http could not move here without making all users again."""
    with broker_with(service, tmp_path, method='"post"') as broker:
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            connect(broker, "ann")
        service.answers["/user"] = b"allow administrator monitoring\n"
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            connect(broker, "ann")  # what it has said a moment ago counts
        connection = connect(broker, "eve", "p&ss wörd")
        channel = connection.channel()
        channel.queue_declare("mine1")
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            channel.queue_declare("other")
        assert service.asked[1:] == [
            ("POST", "/user", {"username": "eve", "password": "p&ss wörd"}),
            (
                "POST",
                "/vhost",
                {"username": "eve", "vhost": "/", "ip": "127.0.0.1", "tags": "administrator monitoring"},
            ),
        ]
        api = Api(broker.ports["management"])
        assert api.of("eve", "p&ss wörd").get("whoami")["tags"] == ["administrator", "monitoring"]
        assert len(service.asked) == 3, "the answer is kept"
        connect(broker, "guest", "guest").close()
        assert len(service.asked) == 3, "who is known here is not asked about"
        api.delete("users/eve")
        with pytest.raises(pika.exceptions.ConnectionClosed):
            follow(connection)
        broker.stop()
        broker.start()
        assert "eve" not in {user["name"] for user in api.get("users")}


def test_a_vhost_that_is_denied_is_closed_to_them(tmp_path: Path, service: Service) -> None:
    """A user came into vhosts that the service denies."""
    service.answers = {"/user": b"allow", "/vhost": b"deny"}
    with broker_with(service, tmp_path, cache_s=0) as broker:
        with pytest.raises(pika.exceptions.ProbableAccessDeniedError):
            connect(broker, "ann")
        service.answers["/vhost"] = b"allow"
        connect(broker, "ann").close()
        service.answers["/user"] = b"deny"
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            connect(broker, "ann")


@pytest.mark.parametrize(
    ("answer", "status"), [(b"", 200), (b"allowed", 200), (b"allow", 500), (b"\xff\x00", 200), (b"allow" * 1000, 403)]
)
def test_an_answer_that_is_none_lets_nobody_in(tmp_path: Path, service: Service, answer: bytes, status: int) -> None:
    """An error page that begins with `allow` let everybody in."""
    service.answers["/user"], service.statuses["/user"] = answer, status
    with broker_with(service, tmp_path) as broker:
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            connect(broker, "ann")
        assert "says nothing about log-ins" in broker.log()


def test_a_service_that_hangs_holds_up_nobody_else(tmp_path: Path, service: Service) -> None:
    """While the service was silent, the whole broker was."""
    service.hold.clear()
    with broker_with(service, tmp_path, timeout_ms=3000) as broker:
        failed: list[Exception] = []

        def try_in_vain() -> None:
            try:
                connect(broker, "ann")
            except pika.exceptions.AMQPError as error:
                failed.append(error)

        thread = threading.Thread(target=try_in_vain)
        thread.start()
        for _ in range(20):
            connect(broker, "guest", "guest").close()
        assert not failed, "twenty others came in meanwhile"
        thread.join(30)
        assert failed
        assert "no answer within 3 s" in broker.log()


@pytest.fixture
def judged(service: Service, tmp_path: Path) -> Iterator[BrokerProcess]:
    """A broker that asks about resources and topics too."""
    service.answers |= {"/user": b"allow monitoring", "/resource": b"allow", "/topic": b"allow"}
    options = {
        "resource_path": f'"{service.url}/resource"', "topic_path": f'"{service.url}/topic"', "cache_s": 60,
        "timeout_ms": 60_000,
    }  # fmt: skip
    with broker_with(service, tmp_path, **options) as process:
        yield process


def questions(service: Service, path: str) -> list[dict[str, str]]:
    return [fields for _, asked, fields in service.asked if asked == path]


def test_what_users_of_the_service_may_do_is_asked_when_they_do_it(service: Service, judged: BrokerProcess) -> None:
    """Users had what one user of the broker's had, whatever the service says of each of them."""
    connection = connect(judged, "joe")
    channel = connection.channel()
    channel.queue_declare("theirs")  # which the user of `like` may not declare
    channel.queue_bind("theirs", "amq.topic", "a.*")
    channel.confirm_delivery()
    for number in range(100):
        channel.basic_publish("amq.topic", "a.b", b"%d" % number)
    found = [channel.basic_get("theirs", auto_ack=True)[2] for _ in range(100)]
    assert found == [b"%d" % number for number in range(100)]
    common = {"username": "joe", "vhost": "/", "tags": "monitoring"}
    of_queue = {**common, "resource": "queue", "name": "theirs"}
    of_exchange = {**common, "resource": "exchange", "name": "amq.topic"}
    assert questions(service, "/resource") == [
        {**of_queue, "permission": "configure"}, {**of_queue, "permission": "write"},
        {**of_exchange, "permission": "read"}, {**of_exchange, "permission": "write"},
        {**of_queue, "permission": "read"},
    ]  # fmt: skip
    variables = {"variable_map.username": "joe", "variable_map.vhost": "/"}
    topic = {**common, "resource": "topic", "name": "amq.topic", **variables}
    assert questions(service, "/topic") == [
        {**topic, "permission": "read", "routing_key": "a.*"}, {**topic, "permission": "write", "routing_key": "a.b"},
    ]  # fmt: skip
    connection.close()


def test_what_the_service_denies_is_refused_in_the_words_of_rabbitmq(service: Service, judged: BrokerProcess) -> None:
    connection = connect(judged, "joe")
    service.answers["/resource"] = b"deny"
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as caught:
        connection.channel().queue_declare("denied")
    text = "ACCESS_REFUSED - access to queue 'denied' in vhost '/' refused for user 'joe'"
    assert (caught.value.reply_code, caught.value.reply_text) == (403, text)
    service.answers["/resource"] = b"allow"
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        connection.channel().queue_declare("denied")  # the answer counts for a while
    channel = connection.channel()
    channel.queue_declare("allowed")
    service.answers["/topic"] = b"deny"
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match=r"access to topic 'x' in exchange 'amq\.topic'"):
        channel.basic_publish("amq.topic", "x", b"")
    assert not any(fields["username"] == "guest" for fields in questions(service, "/resource"))
    connection.close()


def test_a_queue_without_a_name_is_asked_about_once(service: Service, judged: BrokerProcess) -> None:
    """Each new name of the server's would be another question, without an end."""
    connection = connect(judged, "joe")
    channel = connection.channel()
    name = channel.queue_declare("", exclusive=True).method.queue
    assert [fields["name"] for fields in questions(service, "/resource")] == [name]
    assert channel.queue_declare("", exclusive=True).method.queue != name
    connection.close()


def test_nobody_else_waits_for_the_service(service: Service, judged: BrokerProcess) -> None:
    """The loop would stand still for as long as the service takes."""
    slow = connect(judged, "joe")
    service.hold.clear()
    done = threading.Event()

    def declare() -> None:
        slow.channel().queue_declare("slow")
        done.set()

    thread = threading.Thread(target=declare)
    thread.start()
    with pika.BlockingConnection(pika.URLParameters(judged.url)) as quick:
        channel = quick.channel()
        channel.queue_declare("quick")
        channel.basic_publish("", "quick", b"x")
        assert channel.basic_get("quick", auto_ack=True)[2] == b"x"
    assert not done.is_set()
    service.hold.set()
    thread.join(30)
    assert done.is_set()
    assert {fields["username"] for fields in questions(service, "/resource")} == {"joe"}
    slow.close()


def test_a_service_that_fails_allows_nothing(service: Service, judged: BrokerProcess) -> None:
    connection = connect(judged, "joe")
    service.statuses["/resource"] = 500
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        connection.channel().queue_declare("broken")
    assert "the backend says nothing about rights" in judged.log()
    service.statuses.clear()
    eventually(lambda: _is_declared(connection, "broken"), 20)
    connection.close()


def _is_declared(connection: Any, name: str) -> bool:
    try:
        connection.channel().queue_declare(name)
    except pika.exceptions.ChannelClosedByBroker:
        return False
    return True


def test_answers_count_for_so_long_and_publishers_notice(service: Service, tmp_path: Path) -> None:
    """A publisher whose right was taken away went on for ever: routes are remembered."""
    service.answers |= {"/user": b"allow", "/resource": b"allow"}
    options = {"resource_path": f'"{service.url}/resource"', "cache_s": 1}
    with broker_with(service, tmp_path, **options) as broker:
        connection = connect(broker, "joe")
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("theirs")
        channel.basic_publish("", "theirs", b"x")
        assert questions(service, "/resource")[-1]["name"] == "amq.default"
        service.answers["/resource"] = b"deny"

        def is_refused() -> bool:
            try:
                channel.basic_publish("", "theirs", b"x")
            except pika.exceptions.ChannelClosedByBroker:
                return True
            return False

        eventually(is_refused, 20)
        connection.close()


@pytest.fixture
def slow(service: Service, judged: BrokerProcess) -> BrokerProcess:
    """The same, and each answer about rights takes a while: who does not wait for it is refused."""
    service.delay_s = 0.05
    return judged


def test_a_request_of_the_api_waits_for_the_answer(service: Service, slow: BrokerProcess) -> None:
    """The first request was refused, and the second one done."""
    joe = Api(slow.ports["management"], "joe", "pw")
    assert joe.call("PUT", "queues/%2F/by-http", {}).status == 201
    binding = {"routing_key": "a.b", "arguments": {}}
    assert joe.call("POST", "bindings/%2F/e/amq.topic/q/by-http", binding).status == 201
    message = {"properties": {}, "routing_key": "a.b", "payload": "x", "payload_encoding": "string"}
    assert joe.call("POST", "exchanges/%2F/amq.topic/publish", message).body == {"routed": True}
    service.answers["/resource"] = b"deny"
    assert joe.call("PUT", "queues/%2F/denied", {}).reason == (401, "not_authorised", "Access refused.")


@pytest.mark.parametrize("version", [4, 5])
def test_clients_of_mqtt_wait_for_the_answer(service: Service, slow: BrokerProcess, version: int) -> None:
    """The first message of each topic was dropped, and the first SUBSCRIBE refused: a device gives up then."""
    with mqtt_of_joe(slow, "thing", version) as device:
        reasons = device.subscribe([("a/+", 1), ("b/#", 0), ("a/1", 2)])
        assert [each.value for each in reasons] == [1, 0, 2]
        for number in range(20):
            device.publish(f"b/{number % 5}", b"%d" % number, qos=number % 3)
        found = [device.message().payload for _ in range(20)]
        assert found == [b"%d" % number for number in range(20)]
        service.answers |= {"/topic": b"deny"}
        denied = device.subscribe("c/1")
        assert denied[0].value >= 0x80
        device.publish("d/1", b"not for anybody", qos=1)
        device.publish("b/1", b"known", qos=1)
        assert device.message().payload == b"known"


def test_the_first_message_of_a_connection_that_ends_at_once_is_there(service: Service, slow: BrokerProcess) -> None:
    """Who connects, publishes and goes, as mosquitto_pub does, had published nothing."""
    with mqtt_of_joe(slow, "listener", 4) as listener:
        listener.subscribe("once/#")
        service.asked.clear()
        will = Paho(slow.ports["mqtt"], "quick", 4)
        will.client.username_pw_set("joe", "pw")
        will.client.will_set("once/will", b"gone", 1)
        with will:
            will.client.publish("once/a", b"at once", 0)
            will.publish("once/b", b"acknowledged", 1)
            will.client._sock_close()
        assert {listener.message().payload for _ in range(3)} == {b"at once", b"acknowledged", b"gone"}


def mqtt_of_joe(broker: BrokerProcess, client_id: str, version: int) -> Paho:
    """A client of MQTT that logs in as joe."""
    found = Paho(broker.ports["mqtt"], client_id, version)
    found.client.username_pw_set("joe", "pw")
    return found


def test_the_service_is_told_which_client_of_mqtt_it_is(service: Service, slow: BrokerProcess) -> None:
    """A service that lets a device in under its own name only could not tell, and one answer counted for all."""
    for client_id in ("one", "two", "one"):
        with mqtt_of_joe(slow, client_id, 5):
            pass
    told = {"username": "joe", "password": "pw", "vhost": "/"}
    assert questions(service, "/user") == [{**told, "client_id": "one"}, {**told, "client_id": "two"}]


def test_clients_of_stomp_wait_for_the_answer(service: Service, slow: BrokerProcess) -> None:
    """An ERROR, and the connection was closed."""
    client = StompPy(slow.ports["stomp"])
    client.client.connect("joe", "pw", wait=True)
    client.subscribe("/topic/t.*", id=1)
    client.subscribe("/queue/theirs", id=2)
    for number in range(10):
        client.client.send("/topic/t.x" if number % 2 else "/queue/theirs", f"{number}")
    assert sorted(int(client.message().body) for _ in range(10)) == list(range(10))
    named = {each["name"] for each in questions(service, "/resource") if each["resource"] == "queue"}
    assert len(named) == 2, "a queue that the broker names is asked about by one name"
    service.answers["/resource"] = b"deny"
    client.client.send("/queue/denied", "x")
    assert "access_refused" in client.error().headers["message"]
    eventually(lambda: not client.client.is_connected())  # the broker has closed it


def test_clients_of_amqp_1_0_wait_for_the_answer(service: Service, slow: BrokerProcess) -> None:
    """A link was refused, and a message to a new place ended its session."""
    pytest.importorskip("proton", reason="python-qpid-proton is not installed")
    from proton import Message, ProtonException  # type: ignore[import-not-found,unused-ignore]
    from proton.utils import BlockingConnection  # type: ignore[import-not-found,unused-ignore]

    url = f"amqp://joe:pw@127.0.0.1:{slow.ports['amqp']}"
    connection = BlockingConnection(url, timeout=30, allowed_mechs="PLAIN")
    receiver = connection.create_receiver("/queue/one", credit=50)
    sender = connection.create_sender("/queue/one")
    anonymous = connection.create_sender(None)
    large = b"x" * 300_000
    for number in range(10):
        sender.send(Message(body=number))
        address = "/queues/one" if number % 2 else "/exchanges/amq.topic/a"
        anonymous.send(Message(body=large, address=address), error_states=[])
    found = [receiver.receive(30).body for _ in range(15)]
    assert [each for each in found if isinstance(each, int)] == list(range(10))
    assert "refused" not in slow.log()
    service.answers["/resource"] = b"deny"
    connection.timeout = 2  # the client does not see that its session has ended
    with pytest.raises(ProtonException):
        connection.create_receiver("/queue/denied")
    assert "unauthorized-access: access to queue 'denied' in vhost '/' refused for user 'joe'" in slow.log()
    connection.close()


def test_wildcards_of_amqp_1_0_mean_queues_that_the_service_allows_later_too(
    service: Service, slow: BrokerProcess
) -> None:
    """Queues whose question was not answered yet were left out of a link, and of what a browser is shown."""
    pytest.importorskip("proton", reason="python-qpid-proton is not installed")
    from proton import Message
    from proton.reactor import Copy  # type: ignore[import-not-found,unused-ignore]
    from proton.utils import BlockingConnection

    connection = BlockingConnection(f"amqp://joe:pw@127.0.0.1:{slow.ports['amqp']}", timeout=30, allowed_mechs="PLAIN")
    connection.create_sender("queue://wild.one").send(Message(body="one"))
    browser = connection.create_receiver("queue://wild.*", credit=10, options=Copy())
    assert browser.receive(30).body == "one"
    receiver = connection.create_receiver("queue://wild.*", credit=10, name="taker")
    assert receiver.receive(30).body == "one"
    connection.create_sender("queue://wild.two").send(Message(body="two"))
    assert receiver.receive(30).body == "two"
    connection.close()
