"""Push messages go to the services of the platforms over HTTP/2: here to a server of Node.js that answers like them."""

import json
import subprocess
import threading
import time
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID

from mqbroker.net import devcerts
from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import WAIT_S
from tests.aws.sns.test_errors import text
from tests.aws.sns.test_platforms import EVENTS
from tests.conftest import find_program
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

SERVER = Path(__file__).with_name("push_server.mjs")
RETRY_S = 30  # the first retry comes after ten seconds
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
GOOGLE_KEY = rsa.generate_private_key(65537, 2048)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class PushServer:
    """The process of Node.js and what it has printed."""

    def __init__(self, certificates: devcerts.DevCertificates) -> None:
        command = ["node", str(SERVER), str(certificates.server), str(certificates.server_key)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.lines: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port: int = self.lines.get(timeout=WAIT_S)["port"]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.put(json.loads(line))

    def take(self, prefix: str, timeout_s: float = WAIT_S, part: str = "") -> dict[str, Any]:
        """The next request to a path that begins so, with that part in its body."""
        while True:
            found = self.lines.get(timeout=timeout_s)
            if found["path"].startswith(prefix) and part in found["body"]:
                return found

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> devcerts.DevCertificates:
    return devcerts.ensure(tmp_path_factory.mktemp("push") / "certs")


@pytest.fixture(scope="module")
def push(certificates: devcerts.DevCertificates) -> Iterator[PushServer]:
    find_program("node")
    server = PushServer(certificates)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, push: PushServer, certificates: devcerts.DevCertificates
) -> Iterator[BrokerProcess]:
    """A broker without a gateway, whose push services are the server."""
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("aws",), config=push_config(push, certificates)) as running:
        yield running


def push_config(push: PushServer, certificates: devcerts.DevCertificates) -> str:
    url = f"https://localhost:{push.port}"
    return f"""
[aws.sns]
ca_file = "{certificates.ca}"
apns_url = "{url}"
apns_sandbox_url = "{url}"
fcm_url = "{url}"
fcm_token_url = "{url}/token"
adm_url = "{url}"
baidu_url = "{url}"
wns_token_url = "{url}/wns-token"
windows_push_domains = ["localhost"]
"""


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header and claims of a token, what is signed, and the signature."""
    parts = token.split(".")
    header, claims, signature = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
    return json.loads(header), json.loads(claims), ".".join(parts[:2]).encode(), signature


def apple(sns: Any, name: str, platform: str = "APNS") -> str:
    attributes = {
        "PlatformPrincipal": "KEY1234567", "PlatformCredential": pem(APPLE_KEY), "ApplePlatformTeamID": "TEAM123456",
        "ApplePlatformBundleID": "com.example.shop",
    }  # fmt: skip
    made = sns.create_platform_application(Name=name, Platform=platform, Attributes=attributes)
    return str(made["PlatformApplicationArn"])


def certificate_of(key: ec.EllipticCurvePrivateKey, subject: str) -> str:
    """A certificate as Apple makes them: the user id is the app."""
    now = datetime.now(UTC)
    name = x509.Name([
        x509.NameAttribute(NameOID.USER_ID, "com.example.shop"), x509.NameAttribute(NameOID.COMMON_NAME, subject),
    ])  # fmt: skip
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def google(sns: Any, name: str, project: str = "shop") -> str:
    account = {
        "type": "service_account", "project_id": project, "client_email": f"a@{project}.example",
        "private_key_id": "k1", "private_key": pem(GOOGLE_KEY),
    }  # fmt: skip
    attributes = {"PlatformCredential": json.dumps(account)}
    return str(
        sns.create_platform_application(Name=name, Platform="GCM", Attributes=attributes)["PlatformApplicationArn"]
    )


def with_pair(sns: Any, name: str, platform: str) -> str:
    """An application of a platform for which principal and credential are an id and a secret."""
    attributes = {"PlatformPrincipal": f"id of {name}", "PlatformCredential": "secret"}
    made = sns.create_platform_application(Name=name, Platform=platform, Attributes=attributes)
    return str(made["PlatformApplicationArn"])


def amazon(sns: Any, name: str) -> str:
    return with_pair(sns, name, "ADM")


def baidu(sns: Any, name: str) -> str:
    return with_pair(sns, name, "BAIDU")


def windows(sns: Any, name: str) -> str:
    return with_pair(sns, name, "WNS")


def phone(sns: Any, name: str) -> str:
    return with_pair(sns, name, "MPNS")


def token_for(make: Any, token: str, push: PushServer) -> str:
    """Microsoft's devices are URLs."""
    kind = {windows: "wns", phone: "mpns"}.get(make)
    return token if kind is None else f"https://localhost:{push.port}/{kind}/{token}"


def device(sns: Any, application: str, token: str) -> str:
    return str(sns.create_platform_endpoint(PlatformApplicationArn=application, Token=token)["EndpointArn"])


def is_enabled(sns: Any, endpoint: str) -> bool:
    return bool(sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]["Enabled"] == "true")


def wait_until_disabled(sns: Any, endpoint: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while is_enabled(sns, endpoint):
        assert time.monotonic() < deadline


def outcome_of(broker: BrokerProcess, message_id: str) -> dict[str, Any]:
    """What became of a message, once that is known."""
    deadline = time.monotonic() + WAIT_S
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/sns/notifications") as answer:
            found = [each for each in json.load(answer)["Notifications"] if each["MessageId"] == message_id]
        if found:
            return dict(found[0])
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_apple_gets_a_signed_request_for_a_device(
    sns: Any, topic: str, name: str, push: PushServer, broker: BrokerProcess
) -> None:
    """httpx logs the URL of each request, which has the token of the device."""
    endpoint = device(sns, apple(sns, name), "d1")
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)
    sns.publish(TopicArn=topic, Message="hello")
    request = push.take("/3/device/d1")
    assert request["headers"][":method"] == "POST"
    assert json.loads(request["body"]) == {"aps": {"alert": "hello"}}
    assert request["headers"]["apns-topic"] == "com.example.shop"
    assert request["headers"]["apns-push-type"] == "alert"
    kind, _, token = request["headers"]["authorization"].partition(" ")
    header, claims, signed, signature = claims_of(token)
    assert (kind, header["alg"], header["kid"], claims["iss"]) == ("bearer", "ES256", "KEY1234567", "TEAM123456")
    assert abs(claims["iat"] - time.time()) < 60
    halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    assert "/3/device/d1" not in broker.log()
    APPLE_KEY.public_key().verify(utils.encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("platform", "topic"), [("APNS", "com.example.shop"), ("APNS_VOIP", "com.example.shop.voip")])
def test_apple_is_shown_a_certificate(sns: Any, name: str, push: PushServer, platform: str, topic: str) -> None:
    """Applications that have existed for long have one, and no key for tokens."""
    attributes = {"PlatformPrincipal": certificate_of(APPLE_KEY, name), "PlatformCredential": pem(APPLE_KEY)}
    made = sns.create_platform_application(Name=name, Platform=platform, Attributes=attributes)
    application = made["PlatformApplicationArn"]
    shown = sns.get_platform_application_attributes(PlatformApplicationArn=application)["Attributes"]
    assert shown == {"Enabled": "true", "AppleCertificateExpirationDate": "2100-01-01T00:00:00Z"}
    sns.publish(TargetArn=device(sns, application, f"c-{name}"), Message="hello")
    request = push.take(f"/3/device/c-{name}")
    assert request["client"] == name
    assert "authorization" not in request["headers"]
    assert request["headers"]["apns-topic"] == topic


def test_the_attributes_of_a_message_are_headers(sns: Any, name: str, push: PushServer) -> None:
    endpoint = device(sns, apple(sns, name, "APNS_SANDBOX"), "d2")
    payload = json.dumps({"aps": {"content-available": 1}})
    sns.publish(TargetArn=endpoint, MessageStructure="json", Message=json.dumps({"APNS_SANDBOX": payload}))
    request = push.take("/3/device/d2")
    assert request["body"] == payload
    assert (request["headers"]["apns-push-type"], request["headers"]["apns-priority"]) == ("background", "5")
    attributes = {
        "AWS.SNS.MOBILE.APNS_SANDBOX.TTL": "60", "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "location",
        "AWS.SNS.MOBILE.APNS.TOPIC": "com.example.other", "AWS.SNS.MOBILE.APNS.PRIORITY": "10",
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": "c",
    }  # fmt: skip
    sns.publish(
        TargetArn=endpoint, Message="m", MessageAttributes={key: text(value) for key, value in attributes.items()}
    )
    headers = push.take("/3/device/d2")["headers"]
    assert headers["apns-push-type"] == "location"
    assert headers["apns-topic"] == "com.example.other"
    assert (headers["apns-priority"], headers["apns-collapse-id"]) == ("10", "c")
    assert abs(int(headers["apns-expiration"]) - time.time() - 60) < 30


def test_google_gets_an_access_token_and_the_message(sns: Any, topic: str, name: str, push: PushServer) -> None:
    application = google(sns, name)
    endpoint = device(sns, application, "g1")
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)
    sns.publish(TopicArn=topic, Message="hello")
    form = dict(pair.split("=") for pair in push.take("/token")["body"].split("&"))
    header, claims, signed, signature = claims_of(form["assertion"])
    assert (header["alg"], claims["iss"]) == ("RS256", "a@shop.example")
    GOOGLE_KEY.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    request = push.take("/v1/projects/shop/messages:send")
    assert json.loads(request["body"]) == {"message": {"data": {"default": "hello"}, "token": "g1"}}
    assert request["headers"]["authorization"].startswith("Bearer access-")
    whole = {"fcmV1Message": {"validate_only": False, "message": {"notification": {"title": "t"}}}}
    former = {"notification": {"title": "t"}, "data": {"n": 5}, "collapse_key": "c", "time_to_live": 9,
              "priority": "high"}  # fmt: skip
    wanted = [
        {"validate_only": False, "message": {"notification": {"title": "t"}, "token": "g1"}},
        {"message": {"notification": {"title": "t"}, "data": {"n": "5"}, "token": "g1",
                     "android": {"collapse_key": "c", "ttl": "9s", "priority": "HIGH"}}},
    ]  # fmt: skip
    for given, sent in zip((whole, former), wanted, strict=True):
        message = json.dumps({"GCM": json.dumps(given)})
        sns.publish(TargetArn=endpoint, MessageStructure="json", Message=message)
        assert json.loads(push.take("/v1/projects")["body"]) == sent


def test_devices_that_are_sent_to_at_once_share_an_access_token(
    sns: Any, topic: str, name: str, push: PushServer
) -> None:
    """While there was none, each of them asked Google for one of its own."""
    application = google(sns, name, "crowd")
    for number in range(20):
        sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=device(sns, application, f"c{number}"))
    sns.publish(TopicArn=topic, Message="m")
    found: list[dict[str, Any]] = []
    while sum(each["path"].startswith("/v1/projects/crowd/") for each in found) < 20:
        found.append(push.take("/"))
    forms = [dict(pair.split("=") for pair in each["body"].split("&")) for each in found if each["path"] == "/token"]
    senders = [claims_of(form["assertion"])[1]["iss"] for form in forms]
    assert senders.count("a@crowd.example") == 1


@pytest.mark.parametrize("make", [apple, google, amazon, baidu, windows, phone])
@pytest.mark.parametrize("token", ["gone", "bad"])
def test_a_device_that_is_not_known_any_more_is_disabled(
    sns: Any, name: str, topic: str, queues: Queues, push: PushServer, make: Any, token: str
) -> None:
    application, url = make(sns, name), queues.subscribed(topic)
    endpoint, other = (device(sns, application, token_for(make, each, push)) for each in (token, "empty"))
    sns.set_platform_application_attributes(
        PlatformApplicationArn=application, Attributes={f"Event{each}": topic for each in EVENTS}
    )
    for each in (other, endpoint):
        sns.publish(TargetArn=each, Message="m")
    wait_until_disabled(sns, endpoint)
    assert is_enabled(sns, other), "a message that is wrong says nothing of the device"
    told: list[dict[str, Any]] = []
    while len(told) < 3:
        told += [json.loads(text) for text in queues.texts(url, 10)]
    of_device = [each for each in told if each["EndpointArn"] == endpoint]
    assert [each["EventType"] for each in of_device] == ["EndpointUpdated", "DeliveryFailure"]
    assert of_device[1]["FailureType"] == "InvalidPlatformToken"
    assert of_device[1]["FailureMessage"] == "Platform token associated with the endpoint is not valid"
    if make is google:
        (failure,) = [each for each in told if each["EndpointArn"] == other]
        assert (failure["FailureType"], failure["FailureMessage"]) == (
            "InvalidNotification", "Notification body is invalid",
        )  # fmt: skip


@pytest.mark.timeout(120)
def test_what_may_pass_is_tried_again(sns: Any, name: str, push: PushServer) -> None:
    """A token that has become too old is made anew for that."""
    devices = [device(sns, apple(sns, name), token) for token in ("busy", "old")]
    devices += [device(sns, make(sns, name), token_for(make, "old", push)) for make in (google, amazon, windows)]
    for endpoint in devices:
        sns.publish(TargetArn=endpoint, Message="m")
    wanted = {
        "/3/device/busy": 2, "/3/device/old": 2, "/v1/projects/shop/messages:send": 2, "/token": 1,
        "/messaging/registrations/old/messages": 2, "/auth/O2/token": 1, "/wns/old": 2, "/wns-token": 1,
    }  # fmt: skip
    counts = dict.fromkeys(wanted, 0)
    while any(counts[path] < count for path, count in wanted.items()):
        path = push.take("/", RETRY_S)["path"]
        counts[path] = counts.get(path, 0) + 1
    assert all(is_enabled(sns, endpoint) for endpoint in devices)


def test_a_header_that_cannot_be_is_a_failure_for_good(sns: Any, name: str, broker: BrokerProcess) -> None:
    """It was an internal error, which was tried again for hours."""
    endpoint = device(sns, apple(sns, name), "t")
    attributes = {"AWS.SNS.MOBILE.APNS.TOPIC": text("com.exämple")}
    message_id = sns.publish(TargetArn=endpoint, Message="m", MessageAttributes=attributes)["MessageId"]
    assert outcome_of(broker, message_id)["Reason"] == "a header can have characters of ASCII only"


def test_an_answer_of_another_form_is_a_failure_for_good(sns: Any, name: str, broker: BrokerProcess) -> None:
    """It was an internal error, which was tried again for hours."""
    endpoint = device(sns, google(sns, name), "odd")
    message_id = sns.publish(TargetArn=endpoint, Message="m")["MessageId"]
    assert outcome_of(broker, message_id)["Reason"] == "FCM answers 400: said so"


def test_many_messages_share_a_connection(sns: Any, name: str, push: PushServer) -> None:
    application = apple(sns, name)
    for number in range(20):
        sns.publish(TargetArn=device(sns, application, f"m{number}"), Message="m")
    found = [push.take("/3/device/m") for _ in range(20)]
    assert len({request["connection"] for request in found}) == 1
    assert len({request["headers"]["authorization"] for request in found}) == 1


@pytest.mark.parametrize(
    ("platform", "attributes", "said"),
    [
        ("APNS", {"Enabled": "true"},
         "the platform application has no PlatformPrincipal, PlatformCredential, ApplePlatformTeamID"),
        ("APNS", {"PlatformPrincipal": "k", "PlatformCredential": "x", "ApplePlatformTeamID": "t",
                  "ApplePlatformBundleID": "b"}, "the credential of the application is not a private key"),
        ("APNS", {"PlatformPrincipal": certificate_of(APPLE_KEY, "a"), "PlatformCredential": pem(GOOGLE_KEY)},
         "the certificate and the key of the application are none, or do not fit each other"),
        ("APNS", {"PlatformPrincipal": "-----BEGIN CERTIFICATE-----", "PlatformCredential": "x"},
         "the certificate and the key of the application are none, or do not fit each other"),
        ("GCM", {"PlatformCredential": "legacy-key"}, "is not the JSON file of a service account"),
        ("ADM", {"Enabled": "true"}, "the platform application has no PlatformPrincipal, PlatformCredential"),
        ("BAIDU", {"Enabled": "true"}, "the platform application has no PlatformPrincipal, PlatformCredential"),
        ("WNS", {"Enabled": "true"}, "the platform application has no PlatformPrincipal, PlatformCredential"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_said(
    sns: Any, name: str, broker: BrokerProcess, platform: str, attributes: dict[str, str], said: str
) -> None:
    application = sns.create_platform_application(Name=name, Platform=platform, Attributes=attributes)
    endpoint = device(sns, application["PlatformApplicationArn"], "t")
    message_id = sns.publish(TargetArn=endpoint, Message="m")["MessageId"]
    outcome = outcome_of(broker, message_id)
    assert outcome["Status"] == "FAILURE"
    assert said in outcome["Reason"]
    assert is_enabled(sns, endpoint)


# --- other platforms --------------------------------------------------------------------------------------------------


def published(sns: Any, endpoint: str, platform: str, message: str, **options: str) -> None:
    attributes = {f"AWS.SNS.MOBILE.{platform}.{key}": text(value) for key, value in options.items()}
    sns.publish(TargetArn=endpoint, Message=message, MessageAttributes=attributes)


def test_amazon_gets_an_access_token_and_the_message(sns: Any, name: str, push: PushServer) -> None:
    endpoint = device(sns, amazon(sns, name), f"a {name}")
    published(sns, endpoint, "ADM", "hello", TTL="60")
    assert dict(pair.split("=") for pair in push.take("/auth/O2/token", part=name)["body"].split("&")) == {
        "grant_type": "client_credentials", "scope": "messaging%3Apush", "client_id": f"id+of+{name}",
        "client_secret": "secret",
    }  # fmt: skip
    request = push.take(f"/messaging/registrations/a%20{name}/messages")
    assert json.loads(request["body"]) == {"data": {"default": "hello"}, "expiresAfter": 60}
    assert request["headers"]["authorization"] == "Bearer access-/auth/O2/token"
    assert request["headers"]["x-amzn-type-version"] == "com.amazon.device.messaging.ADMMessage@1.0"
    assert request["headers"]["x-amzn-accept-type"] == "com.amazon.device.messaging.ADMSendResult@1.0"
    whole = {"data": {"a": "b"}, "consolidationKey": "sync"}
    published(sns, endpoint, "ADM", json.dumps(whole))
    assert json.loads(push.take("/messaging/")["body"]) == whole


def test_baidu_gets_a_signed_form(sns: Any, name: str, push: PushServer) -> None:
    endpoint = device(sns, baidu(sns, name), name)
    published(sns, endpoint, "BAIDU", '{"title":"t","description":"ö"}', MessageType="1", TTL="60")
    request = push.take("/rest/3.0/push/single_device", part=name)
    fields = dict(parse_qsl(request["body"]))
    sign, at = fields.pop("sign"), fields["timestamp"]
    assert abs(int(at) - time.time()) < 60
    assert fields == {
        "apikey": f"id of {name}", "timestamp": at, "device_type": "3", "channel_id": name, "msg_type": "1",
        "msg": '{"title":"t","description":"ö"}', "msg_expires": "60",
    }  # fmt: skip
    url = f"https://localhost:{push.port}/rest/3.0/push/single_device"
    signed = (
        f"POST{url}apikey=id of {name}channel_id={name}device_type=3msg={fields['msg']}msg_expires=60msg_type=1"
        f"timestamp={at}secret"
    )
    assert sign == md5(quote_plus(signed).encode()).hexdigest()


def test_windows_gets_a_toast_or_what_it_is_sent(sns: Any, name: str, push: PushServer) -> None:
    endpoint = device(sns, windows(sns, name), token_for(windows, name, push))
    published(sns, endpoint, "WNS", "a < b", TTL="60", Tag="t", Group="g", CachePolicy="cache", SuppressPopup="true")
    assert "scope=notify.windows.com" in push.take("/wns-token", part=name)["body"]
    request = push.take(f"/wns/{name}")
    assert request["body"] == (
        '<toast><visual><binding template="ToastText01"><text id="1">a &lt; b</text></binding></visual></toast>'
    )
    wanted = {
        "authorization": "Bearer access-/wns-token", "x-wns-type": "wns/toast", "content-type": "text/xml",
        "x-wns-ttl": "60", "x-wns-tag": "t", "x-wns-group": "g", "x-wns-cache-policy": "cache",
        "x-wns-suppresspopup": "true",
    }  # fmt: skip
    assert {each: request["headers"].get(each) for each in wanted} == wanted
    for sent, options, kind, content_type in (
        ('<?xml version="1.0"?><badge value="3"/>', {}, "wns/badge", "text/xml"),
        ("<other/>", {}, "wns/raw", "application/octet-stream"),
        ("raw", {"Type": "wns/raw"}, "wns/raw", "application/octet-stream"),
    ):
        published(sns, endpoint, "WNS", sent, **options)
        request = push.take(f"/wns/{name}")
        assert request["body"] == sent
        assert (request["headers"]["x-wns-type"], request["headers"]["content-type"]) == (kind, content_type)


def test_windows_phone_gets_a_toast_or_what_it_is_sent(sns: Any, name: str, push: PushServer) -> None:
    attributes = {"PlatformPrincipal": certificate_of(APPLE_KEY, name), "PlatformCredential": pem(APPLE_KEY)}
    made = sns.create_platform_application(Name=name, Platform="MPNS", Attributes=attributes)
    endpoint = device(sns, made["PlatformApplicationArn"], token_for(phone, name, push))
    published(sns, endpoint, "MPNS", "a < b")
    request = push.take(f"/mpns/{name}")
    assert "<wp:Toast><wp:Text1>a &lt; b</wp:Text1></wp:Toast>" in request["body"]
    assert request["client"] == name
    tile = '<wp:Notification xmlns:wp="WPNotification"><wp:Tile/></wp:Notification>'
    kinds = [(request["headers"].get("x-windowsphone-target"), request["headers"]["x-notificationclass"])]
    for sent, options in (
        (tile, {"NotificationClass": "priority"}),
        (tile, {"Type": "token", "NotificationClass": "realtime"}),
        ("raw", {"Type": "raw", "NotificationClass": "regular"}),
    ):
        published(sns, endpoint, "MPNS", sent, **options)
        request = push.take(f"/mpns/{name}")
        assert request["body"] == sent
        kinds.append((request["headers"].get("x-windowsphone-target"), request["headers"]["x-notificationclass"]))
    assert kinds == [("toast", "2"), ("token", "11"), ("token", "1"), (None, "23")]


@pytest.mark.parametrize("make", [windows, phone])
@pytest.mark.parametrize(
    "url", ["https://example.com/", "https://localhost.example.com/", "ftp://localhost/", "https://["]
)
def test_channels_are_on_hosts_of_microsofts(sns: Any, name: str, broker: BrokerProcess, make: Any, url: str) -> None:
    """Whoever may make endpoints could have had the broker call any host, with the access token of the application."""
    message_id = sns.publish(TargetArn=device(sns, make(sns, name), url), Message="m")["MessageId"]
    assert outcome_of(broker, message_id)["Reason"] == "the token is not the URL of a channel of Microsoft's"


class Warned(BrokerProcess):
    """A broker whose log says what it has left open at its end."""

    def environment(self) -> dict[str, str]:
        return {**BrokerProcess.environment(self), "PYTHONWARNINGS": "default::ResourceWarning"}


def test_connections_to_push_services_are_closed_at_the_end(
    tmp_path: Path, name: str, push: PushServer, certificates: devcerts.DevCertificates
) -> None:
    config = push_config(push, certificates)
    with Warned(tmp_path / "data", "--dev", schemes=("aws",), config=config) as broker:
        sns = client(broker, "sns")
        sns.publish(TargetArn=device(sns, apple(sns, name), "last"), Message="m")
        push.take("/3/device/last")
        sns.close()
        assert broker.stop() == 0
        assert "ResourceWarning" not in broker.log()
