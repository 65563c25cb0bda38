"""Mail, text messages, push messages, functions and streams, with a real mail server and real gateways."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.aws.sns.receiver import Receiver
from tests.aws.sns.test_http import confirmed
from tests.aws.sns.test_rows import ROLE, statuses_of
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port

WAIT_S = 20


class Mailbox:
    """What aiosmtpd does with mail."""

    def __init__(self) -> None:
        self.mail: Queue[EmailMessage] = Queue()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mail.put(found)
        return "250 OK"

    def take(self) -> EmailMessage:
        return self.mail.get(timeout=WAIT_S)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A mail server and its port."""
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    yield box, server.port
    server.stop()


@pytest.fixture(scope="module")
def gateway() -> Iterator[Receiver]:
    """What text messages, push messages and invocations go to."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, mailbox: tuple[Mailbox, int], gateway: Receiver, streams: Path
) -> Iterator[BrokerProcess]:
    """A broker with a mail server and gateways."""
    config = f"""
[aws.sns]
smtp_url = "smtp://127.0.0.1:{mailbox[1]}"
mail_from = "no-reply@example.com"
sms_url = "{gateway.url}/sms?from={{sender}}"
sms_replies_key = "köy"
sms_reply_from = "From"
sms_reply_text = "Body"
push_url = "{gateway.url}/push"
lambda_url = "{gateway.url}"
firehose_dir = "{streams}"
"""
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("aws", "amqp", "mqtt"), config=config) as running:
        yield running


def link_in(mail: EmailMessage) -> str:
    found = re.search(r"https?://\S+", mail.get_content())
    assert found is not None
    return found[0]


def open_link(url: str) -> str:
    """What a person sees whose browser follows a link in a mail."""
    request = urllib.request.Request(url, headers={"Accept": "text/html", "Sec-Fetch-Site": "none"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        return str(answer.read().decode())


def test_mail_is_confirmed_by_a_link_and_ended_by_another(sns: Any, topic: str, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="The Shop")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
    asked = box.take()
    assert asked["Subject"] == "AWS Notification - Subscription Confirmation"
    assert "Subscription confirmed!" in open_link(link_in(asked))
    sns.publish(TopicArn=topic, Message="Grüße", Subject="news")
    mail = box.take()
    assert mail["Subject"] == "news"
    assert mail["To"] == "ann@example.com"
    assert mail.get_content().startswith("Grüße\r\n")
    assert "Subscription removed!" in open_link(link_in(mail))
    assert "Subscription confirmed!" in open_link(link_in(box.take()))
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def test_mail_in_json_is_the_envelope(sns: Any, topic: str, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="json@example.com")
    notice = json.loads(box.take().get_content())
    assert notice["Type"] == "SubscriptionConfirmation"
    sns.confirm_subscription(TopicArn=topic, Token=notice["Token"])
    texts = {"default": "d", "email": "e", "email-json": "m"}
    sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
    assert json.loads(box.take().get_content())["Message"] == "m"


def test_text_messages_go_to_a_gateway(sns: Any, topic: str, gateway: Receiver) -> None:
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15551234567")
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Shop & Co"})
    sns.publish(TopicArn=topic, Message='say "hi"')
    arrival = gateway.arrivals.get(timeout=WAIT_S)
    assert arrival.path == "/sms?from=Shop%20%26%20Co"
    assert arrival.json() == {"to": "+15551234567", "text": 'say "hi"', "from": "Shop & Co"}
    sns.publish(PhoneNumber="+15557654321", Message="direct")
    assert gateway.arrivals.get(timeout=WAIT_S).json()["to"] == "+15557654321"


def test_devices_get_push_messages_and_are_disabled_when_they_are_gone(
    sns: Any, topic: str, name: str, gateway: Receiver
) -> None:
    application = sns.create_platform_application(
        Name=name, Platform="GCM", Attributes={"PlatformCredential": "secret"}
    )["PlatformApplicationArn"]
    assert (
        "PlatformCredential"
        not in sns.get_platform_application_attributes(PlatformApplicationArn=application)["Attributes"]
    )
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t1")["EndpointArn"]
    assert sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t1")["EndpointArn"] == endpoint
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)
    sns.publish(TopicArn=topic, Message="p")
    arrival = gateway.arrivals.get(timeout=WAIT_S)
    assert arrival.json() == {"platform": "GCM", "token": "t1", "message": "p"}
    gateway.answer = lambda _: 410
    message = json.dumps({"GCM": json.dumps({"notification": {"title": "x"}})})
    sns.publish(TargetArn=endpoint, Message=message, MessageStructure="json")
    assert json.loads(gateway.arrivals.get(timeout=WAIT_S).json()["message"]) == {"notification": {"title": "x"}}
    gateway.answer = lambda _: 200
    deadline = time.monotonic() + WAIT_S
    while sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]["Enabled"] != "false":
        assert time.monotonic() < deadline
    with pytest.raises(sns.exceptions.EndpointDisabledException):
        sns.publish(TargetArn=endpoint, Message="x")


def test_functions_are_invoked_with_the_event_of_lambda(sns: Any, topic: str, gateway: Receiver) -> None:
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    arn = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="m")
    arrival = gateway.arrivals.get(timeout=WAIT_S)
    assert arrival.path == f"/2015-03-31/functions/{function}/invocations"
    assert arrival.headers["X-Amz-Invocation-Type"] == "Event"
    (record,) = arrival.json()["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    assert list(record["Sns"]) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature",
        "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
    ]  # fmt: skip
    assert (record["Sns"]["Subject"], record["Sns"]["Message"]) == (None, "m")


def test_streams_are_files(sns: Any, topic: str, streams: Path) -> None:
    stream = "arn:aws:firehose:us-east-1:000000000000:deliverystream/logs"
    sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=stream)
    sns.publish(TopicArn=topic, Message="one\nrecord")
    deadline = time.monotonic() + WAIT_S
    while not (found := list(streams.rglob("*.jsonl"))) or not found[0].read_text().endswith("\n"):
        assert time.monotonic() < deadline
    (line,) = found[0].read_text().splitlines()
    assert json.loads(line)["Message"] == "one\nrecord"


def test_the_page_shows_what_was_delivered(sns: Any, topic: str, broker: BrokerProcess, gateway: Receiver) -> None:
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15550000000")
    sent = sns.publish(TopicArn=topic, Message="m")
    gateway.arrivals.get(timeout=WAIT_S)
    url = f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/sns/notifications?TopicArn={topic}"
    deadline = time.monotonic() + WAIT_S
    while True:
        with urllib.request.urlopen(url, timeout=10) as answer:
            found = json.loads(answer.read())["Notifications"]
        if found:
            break
        assert time.monotonic() < deadline
    (notification,) = found
    assert notification["MessageId"] == sent["MessageId"]
    assert (notification["Protocol"], notification["Status"]) == ("sms", "SUCCESS")


def test_opt_outs_and_the_sandbox(broker: BrokerProcess, gateway: Receiver) -> None:
    sns = client(broker, "sns", key="222233334444")
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is False
    sns.create_sms_sandbox_phone_number(PhoneNumber="+15550001111")
    text = gateway.arrivals.get(timeout=WAIT_S).json()["text"]
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is True
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [
        {"PhoneNumber": "+15550001111", "Status": "Pending"}
    ]
    with pytest.raises(sns.exceptions.VerificationException):
        sns.verify_sms_sandbox_phone_number(PhoneNumber="+15550001111", OneTimePassword="wrong")
    code = text.rpartition(" ")[2]
    sns.verify_sms_sandbox_phone_number(PhoneNumber="+15550001111", OneTimePassword=code)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"][0]["Status"] == "Verified"
    sns.delete_sms_sandbox_phone_number(PhoneNumber="+15550001111")
    assert sns.check_if_phone_number_is_opted_out(phoneNumber="+15550001111")["isOptedOut"] is False
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    assert sns.list_origination_numbers()["PhoneNumbers"] == []
    sns.close()


def reply(broker: BrokerProcess, key: str, content_type: str, body: bytes) -> int:
    """The status with which what a user has written is taken."""
    url = f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/sns/replies?key={key}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": content_type})) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_who_writes_stop_is_opted_out(broker: BrokerProcess, gateway: Receiver) -> None:
    """Only over SMPP could anybody be: the list of all others was empty forever."""
    sns = client(broker, "sns", key="555566667777")
    form, json_type = "application/x-www-form-urlencoded", "application/json; charset=utf-8"

    def opted_out() -> list[str]:
        return list(sns.list_phone_numbers_opted_out()["phoneNumbers"])

    assert opted_out() == []
    for key, content_type, body, status in (
        ("wrong", form, b"From=%2B15557771&Body=STOP", 403), ("", form, b"From=%2B15557771&Body=STOP", 403),
        ("k%C3%B6y", form, b"From=nobody&Body=STOP", 400), ("k%C3%B6y", form, b"", 400),
        ("k%C3%B6y", json_type, b"[1]", 400), ("k%C3%B6y", json_type, b'{"From": 5, "Body": "STOP"}', 400),
        ("k%C3%B6y", form, b"\xff%", 400), ("k%C3%B6y", form, b"From=%2B15557771&Body=Thanks", 200),
    ):  # fmt: skip
        assert reply(broker, key, content_type, body) == status
    assert opted_out() == []
    assert reply(broker, "k%C3%B6y", form, b"From=%2B1-555-7771&Body=+stop%0A") == 200
    assert reply(broker, "k%C3%B6y", json_type, b'{"From": "15557772", "Body": "Unsubscribe"}') == 200
    assert opted_out() == ["+15557771", "+15557772"]
    other = client(broker, "sns", key="666677778888")
    assert other.list_phone_numbers_opted_out()["phoneNumbers"] == opted_out(), "an account that comes later"
    other.close()
    sns.publish(PhoneNumber="+15557771", Message="not wanted")
    sns.publish(PhoneNumber="+15557773", Message="wanted")
    assert gateway.arrivals.get(timeout=WAIT_S).json()["text"] == "wanted"
    sns.opt_in_phone_number(phoneNumber="+15557771")
    assert opted_out() == ["+15557772"]
    sns.close()


# --- every protocol ---------------------------------------------------------------------------------------------------

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:firehose:us-east-1:000000000000:deliverystream"


def a_device(sns: Any, name: str) -> str:
    """An endpoint of a platform application of this test's own."""
    made = sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "secret"})
    return str(
        sns.create_platform_endpoint(PlatformApplicationArn=made["PlatformApplicationArn"], Token="t")["EndpointArn"]
    )


def test_each_protocol_may_have_a_text_of_its_own(
    sns: Any, topic: str, name: str, gateway: Receiver, streams: Path, mailbox: tuple[Mailbox, int]
) -> None:
    """Devices that were subscribed to a topic got the default text, whatever there was for their platform."""
    texts = {each: f"for {each}" for each in ("default", "http", "sms", "lambda", "firehose", "GCM", "email")}
    with Receiver() as receiver:
        confirmed(sns, topic, receiver)
        for protocol, endpoint in (
            ("sms", "+15551234567"), ("lambda", FUNCTION), ("application", a_device(sns, name)),
            ("firehose", f"{STREAM}/{name}"), ("email", f"{name}@example.com"),
        ):  # fmt: skip
            sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        open_link(link_in(mailbox[0].take()))
        sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
        assert receiver.take().json()["Message"] == "for http"
    found = {}
    for _ in range(3):
        arrival = gateway.arrivals.get(timeout=WAIT_S)
        document = arrival.json()
        found[arrival.path.split("?")[0]] = (
            document.get("text") or document.get("message") or document["Records"][0]["Sns"]["Message"]
        )
    assert found == {
        "/sms": "for sms", "/push": "for GCM", f"/2015-03-31/functions/{FUNCTION}/invocations": "for lambda",
    }  # fmt: skip
    assert mailbox[0].take().get_content().startswith("for email")
    deadline = time.monotonic() + WAIT_S
    while not (lines := [path.read_text() for path in (streams / name).rglob("*.jsonl")]):
        assert time.monotonic() < deadline
    assert json.loads(lines[0])["Message"] == "for firehose"


def test_delivery_status_is_logged_for_every_protocol_that_has_it(
    sns: Any, topic: str, name: str, broker: BrokerProcess, gateway: Receiver
) -> None:
    for protocol in ("HTTP", "Lambda", "Firehose", "Application"):
        for attribute, value in (
            ("SuccessFeedbackRoleArn", ROLE), ("FailureFeedbackRoleArn", ROLE), ("SuccessFeedbackSampleRate", "100"),
        ):  # fmt: skip
            sns.set_topic_attributes(TopicArn=topic, AttributeName=f"{protocol}{attribute}", AttributeValue=value)
    endpoints = {"lambda": FUNCTION, "application": a_device(sns, name), "firehose": f"{STREAM}/{name}"}
    with Receiver() as receiver:
        confirmed(sns, topic, receiver)
        for protocol, endpoint in endpoints.items():
            sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
        wanted = {*endpoints.values(), f"{receiver.url}/in"}
        found = statuses_of(broker, sns.publish(TopicArn=topic, Message="m")["MessageId"], 4)
        assert found.keys() == wanted
        assert {(each["status"], each["delivery"]["statusCode"]) for each in found.values()} == {("SUCCESS", 200)}
        receiver.answer = gateway.answer = lambda _: 400
        found = statuses_of(broker, sns.publish(TopicArn=topic, Message="m")["MessageId"], 4)
        gateway.answer = lambda _: 200
    del found[endpoints["firehose"]]
    assert {(each["status"], each["delivery"]["statusCode"]) for each in found.values()} == {("FAILURE", 400)}
    assert all(each["delivery"]["providerResponse"] for each in found.values())
    while not gateway.arrivals.empty():
        gateway.arrivals.get()


def test_delivery_status_of_one_device_or_number_is_logged_where_somebody_asks_for_it(
    name: str, broker: BrokerProcess, gateway: Receiver
) -> None:
    """Applications ask for that of their devices, accounts for that of all text messages."""
    sns = client(broker, "sns", key="333344445555")
    device = a_device(sns, name)
    quiet = sns.publish(TargetArn=device, Message="m")["MessageId"]
    gateway.arrivals.get(timeout=WAIT_S)
    roles = {"SuccessFeedbackRoleArn": ROLE, "FailureFeedbackRoleArn": ROLE, "SuccessFeedbackSampleRate": "100"}
    application = sns.list_platform_applications()["PlatformApplications"][0]["PlatformApplicationArn"]
    sns.set_platform_application_attributes(PlatformApplicationArn=application, Attributes=roles)
    sms = {"DeliveryStatusIAMRole": ROLE, "DeliveryStatusSuccessSamplingRate": "100"}
    sns.set_sms_attributes(attributes=sms)
    own = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=own, Protocol="sms", Endpoint="+15550001")
    for status, said in ((200, "SUCCESS"), (404, "FAILURE")):
        gateway.answer = lambda _, status=status: status  # type: ignore[misc]
        for given, destination in (
            ({"PhoneNumber": "+15550002"}, "+15550002"), ({"TopicArn": own}, "+15550001"),
            ({"TargetArn": device}, device),
        ):  # fmt: skip
            found = statuses_of(broker, sns.publish(**given, Message="m")["MessageId"], 1)[destination]
            assert (found["status"], found["delivery"]["statusCode"]) == (said, status)
            gateway.arrivals.get(timeout=WAIT_S)
    gateway.answer = lambda _: 200
    assert "messageMD5Sum" not in "".join(line for line in broker.log().splitlines() if quiet in line)
    sns.close()
