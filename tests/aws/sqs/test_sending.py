"""SendMessage: sizes, characters, attributes, digests, delays and ids. On both wires."""

from hashlib import md5
from typing import Any

import pytest

from tests.support.sqs_house import START, House, Refused
from tests.support.sqs_query_form import blob

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
CHARACTERS = (
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
    "#x10000 to #x10FFFF"
)
SMALL = {"k": {"DataType": "String", "StringValue": "x"}}
SMALL_SIZE = len("k" + "String" + "x")
OTHER_TYPE = "The request include parameter that is not valid for this queue type."


def text(value: str, data_type: str = "String") -> dict[str, str]:
    return {"DataType": data_type, "StringValue": value}


def refused_attribute(house: House, name: str, **attribute: Any) -> str:
    """What is said of one attribute."""
    url = house.create("orders")
    code, message = house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes={name: attribute})
    assert code == "InvalidParameterValue"
    assert house.counts(url) == (0, 0, 0)
    return message


# --- the answer -----------------------------------------------------------------------------------------------------


def test_a_send_is_answered_with_an_id_and_the_digest_of_the_body(house: House) -> None:
    url = house.create("orders")
    sent = house.send(url, "grün")
    assert sent.keys() == {"MessageId", "MD5OfMessageBody"}
    assert sent["MD5OfMessageBody"] == md5("grün".encode()).hexdigest()
    message = house.receive_one(url)
    assert (message["MessageId"], message["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert message["Body"] == "grün"


def test_every_message_has_its_own_id(house: House) -> None:
    url = house.create("orders")
    assert house.send(url)["MessageId"] != house.send(url)["MessageId"]


def test_a_message_tells_who_sent_it_and_when(house: House) -> None:
    url = house.create("orders")
    house.pass_time(1.5)
    house.send(url)
    attributes = house.receive_one(url)["Attributes"]
    assert attributes["SenderId"] == "000000000000"
    assert attributes["SentTimestamp"] == str(START + 1500)


def test_a_user_has_an_id_of_its_own(house: House) -> None:
    house.broker.put_user("ann", "", ())
    url = house.create("orders")
    house.set(url, Policy='{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}')
    house.send(url, user="ann")
    assert house.receive_one(url)["Attributes"]["SenderId"].startswith("AIDA")


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"MessageBody": ""}, {}])
def test_a_message_has_a_body(house: House, given: dict[str, str]) -> None:
    said = house.refused("SendMessage", QueueUrl=house.create("orders"), **given)
    assert said == ("MissingParameter", "The request must contain the parameter MessageBody.")


@pytest.mark.parametrize(
    "body", ["\t\n\r ", "\ud7ff\ue000\ufffd", "\U00010000\U0010ffff", "<a>&amp;\"'</a>", '{\r\n"a": 1}', "  x  "]
)
def test_every_character_of_xml_may_be_in_it(house: House, body: str) -> None:
    url = house.create("orders")
    house.send(url, body)
    assert house.bodies(url) == [body]


@pytest.mark.parametrize("body", ["\u0000", "a\u0008", "\u000b", "\u001f", "\ufffe", "\uffff", "Invalid-\u0013-"])
def test_no_other_character_may(house: House, body: str) -> None:
    url = house.create("orders")
    assert house.refused("SendMessage", QueueUrl=url, MessageBody=body) == ("InvalidMessageContents", CHARACTERS)
    assert house.bodies(url) == []


def test_of_the_characters_of_ascii_the_same_may_be_in_it(house: House) -> None:
    url = house.create("orders")
    for character in map(chr, range(128)):
        if character in "\t\n\r" or character >= " ":
            house.send(url, f"a{character}b")
            assert house.receive_one(url)["Body"] == f"a{character}b"
        else:
            assert house.refused("SendMessage", QueueUrl=url, MessageBody=f"a{character}b")[1] == CHARACTERS


def test_a_message_of_one_mebibyte_is_sent_and_received(house: House) -> None:
    url = house.create("orders")
    house.send(url, "a" * 1_048_576)
    assert len(house.receive_one(url)["Body"]) == 1_048_576


def test_one_octet_more_is_too_much(house: House) -> None:
    url = house.create("orders")
    body = "a" * (1_048_576 - SMALL_SIZE + 1)
    assert house.refused("SendMessage", QueueUrl=url, MessageBody=body, MessageAttributes=SMALL) == (
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    )
    house.send(url, body[1:], MessageAttributes=SMALL)


@pytest.mark.parametrize("body", ["a" * 1025, "ü" * 512 + "a"])
def test_a_queue_may_take_less(house: House, body: str) -> None:
    url = house.create("orders")
    house.set(url, MaximumMessageSize="1024")
    house.send(url, "a" * 1024)
    assert house.refused("SendMessage", QueueUrl=url, MessageBody=body) == (
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.",
    )


def test_names_types_and_values_of_attributes_count(house: House) -> None:
    url = house.create("orders", MaximumMessageSize="1024")
    attributes = {"n": text("12", "Number"), "b": {"DataType": "Binary", "BinaryValue": blob(b"12345")}}
    size = len("n" + "Number" + "12" + "b" + "Binary" + "12345")
    house.send(url, "a" * (1024 - size), MessageAttributes=attributes)
    with pytest.raises(Refused, match="shorter than 1024 bytes"):
        house.send(url, "a" * (1025 - size), MessageAttributes=attributes)


# --- attributes -----------------------------------------------------------------------------------------------------


def test_attributes_come_back_with_the_digest_that_clients_check(house: House) -> None:
    url = house.create("orders")
    attributes = {"timestamp": text("1493147359900", "Number")}
    sent = house.send(url, "test", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == "235c5c510d26fb653d073faed50ae77c"  # recorded from AWS
    message = house.receive_one(url)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_octets_come_back_as_octets(house: House) -> None:
    url = house.create("orders")
    octets = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    attributes = {"attr1": {"DataType": "Binary", "BinaryValue": blob(octets)}}
    sent = house.send(url, "test", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"  # recorded from AWS
    assert house.receive_one(url)["MessageAttributes"] == attributes


def test_types_may_have_labels(house: House) -> None:
    url = house.create("orders")
    attributes = {
        "a": text("1", "Number.int"), "b": text("red", "String.colour"),
        "c": {"DataType": "Binary.png", "BinaryValue": blob(b"\x89")},
    }  # fmt: skip
    house.send(url, MessageAttributes=attributes)
    assert house.receive_one(url)["MessageAttributes"] == attributes


@pytest.mark.parametrize("name", ["attr.1øßä", "a-b_c.d9", "a" * 255, "_", "AWSome"])
def test_names_that_an_attribute_may_have(house: House, name: str) -> None:
    url = house.create("orders")
    house.send(url, MessageAttributes={name: text("x")})
    assert list(house.receive_one(url)["MessageAttributes"]) == [name]


@pytest.mark.parametrize("name", ["a!", 'a"', "a§", "a(", "a?", "a b", ""])
def test_names_with_other_characters_are_refused(house: House, name: str) -> None:
    said = refused_attribute(house, name, **text("x"))
    assert said.startswith("Message (user) attributes name can only contain upper and lower score characters, digits, ")


@pytest.mark.parametrize("name", ["aWs.a", "AMAZON.a", ".a", "a.", "a..b"])
def test_names_of_amazon_are_reserved(house: House, name: str) -> None:
    said = refused_attribute(house, name, **text("x"))
    assert said.startswith("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'.")


def test_names_and_types_are_shorter_than_256_octets(house: House) -> None:
    said = refused_attribute(house, "a" * 256, **text("x"))
    assert said == "Message (user) attribute names must be shorter than 256 Bytes"
    said = refused_attribute(house, "a", **text("x", f"Number.{'L' * 256}"))
    assert said == "Message (user) attribute types must be shorter than 256 Bytes"


@pytest.mark.parametrize("data_type", ["String", "Number"])
def test_a_text_is_not_empty(house: House, data_type: str) -> None:
    wanted = f"Message (user) attribute 'ErrorDetails' must contain a non-empty value of type '{data_type}'."
    assert refused_attribute(house, "ErrorDetails", **text("", data_type)) == wanted
    assert refused_attribute(house, "ErrorDetails", DataType=data_type) == wanted


def test_octets_are_not_empty(house: House) -> None:
    wanted = "Message (user) attribute 'a' must contain a non-empty value of type 'Binary'."
    assert refused_attribute(house, "a", DataType="Binary", BinaryValue="") == wanted
    assert refused_attribute(house, "a", DataType="Binary") == wanted


@pytest.mark.parametrize("given", [{"StringValue": "x"}, {"StringValue": "x", "DataType": ""}])
def test_an_attribute_has_a_type(house: House, given: dict[str, str]) -> None:
    assert refused_attribute(house, "a", **given) == "Message (user) attribute 'a' must contain a non-empty data type."


@pytest.mark.parametrize("data_type", ["Invalid", "string", "Strings", "String."])
def test_types_have_one_of_three_prefixes(house: House, data_type: str) -> None:
    assert refused_attribute(house, "a", **text("x", data_type)) == (
        "Type for parameter MessageAttributes.Attribute_name.DataType must be prefixed with "
        f'"String", "Binary", or "Number", but was: {data_type}'
    )


def test_a_number_is_one(house: House) -> None:
    said = refused_attribute(house, "a", **text("twelve", "Number"))
    assert said == "Can't cast the value of message (user) attribute 'a' to a number."


def test_the_characters_of_a_text_are_those_of_a_body(house: House) -> None:
    assert refused_attribute(house, "a", **text("Invalid-\u0008,\u000b")) == CHARACTERS


def test_a_message_has_ten_attributes_at_most(house: House) -> None:
    url = house.create("orders")
    attributes = {f"a{number}": text("x") for number in range(11)}
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=attributes) == (
        "InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."
    )  # fmt: skip
    del attributes["a0"]
    house.send(url, MessageAttributes=attributes)
    assert len(house.receive_one(url)["MessageAttributes"]) == 10


# --- system attributes ----------------------------------------------------------------------------------------------


def test_a_trace_header_is_a_system_attribute_with_a_digest_of_its_own(house: House) -> None:
    url = house.create("orders")
    attributes = {"timestamp": text("1493147359900", "Number")}
    sent = house.send(
        url, "test", MessageAttributes=attributes, MessageSystemAttributes={"AWSTraceHeader": text(TRACE)}
    )
    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"  # recorded from AWS
    assert sent["MD5OfMessageAttributes"] == "235c5c510d26fb653d073faed50ae77c"
    assert house.receive_one(url)["Attributes"]["AWSTraceHeader"] == TRACE


def test_the_trace_header_of_the_request_is_that_of_its_message(house: House) -> None:
    url = house.create("orders")
    sent = house.send(url, headers={"x-amzn-trace-id": TRACE})
    assert "MD5OfMessageSystemAttributes" not in sent
    house.send(url, headers={"x-amzn-trace-id": "Root=other"}, MessageSystemAttributes={"AWSTraceHeader": text(TRACE)})
    found = [message["Attributes"]["AWSTraceHeader"] for message in house.receive(url)]
    assert found == [TRACE, TRACE]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("SenderId", text("x"), "Message system attribute name 'SenderId' is invalid."),
        ("AWSTraceHeader", text("1", "Number"),
         "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."),
        ("AWSTraceHeader", text(""),
         "Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'."),
    ],
)  # fmt: skip
def test_no_other_system_attribute_can_be_sent(house: House, name: str, given: dict[str, str], said: str) -> None:
    url = house.create("orders")
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageSystemAttributes={name: given}) == (
        "InvalidParameterValue", said
    )  # fmt: skip


# --- delays ---------------------------------------------------------------------------------------------------------


def test_a_message_may_be_delayed(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="43200")
    house.send(url, "late", DelaySeconds=900)
    house.send(url, "soon", DelaySeconds=1)
    house.send(url, "now")
    assert house.bodies(url) == ["now"]
    house.pass_time(0.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["soon"]
    house.pass_time(899, step_s=1)
    assert house.bodies(url) == ["late"]


def test_a_delay_of_zero_beats_that_of_the_queue(house: House) -> None:
    url = house.create("orders", DelaySeconds="10")
    house.send(url, "late")
    house.send(url, "now", DelaySeconds=0)
    assert house.bodies(url) == ["now"]


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_is_fifteen_minutes_at_most(house: House, delay: int) -> None:
    url = house.create("orders")
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=delay) == (
        "InvalidParameterValue",
        f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
    )


# --- ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "a" * 129, "group 123", "ü", "a\u0008"])
@pytest.mark.parametrize("name", ["MessageGroupId", "MessageDeduplicationId"])
def test_ids_are_of_letters_digits_and_punctuation(house: House, name: str, value: str) -> None:
    url = house.create("orders.fifo")
    given = {"MessageGroupId": "g", "MessageDeduplicationId": "d", name: value}
    rule = "can only include alphanumeric and punctuation characters. 1 to 128 in length."
    if value == "a\u0008" and house.wire == "query":
        value = "a\ufffd"  # XML has no such character
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", **given) == (
        "InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {name} {rule}"
    )  # fmt: skip


@pytest.mark.parametrize("value", ["a" * 128, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "0"])
def test_ids_that_a_message_may_have(house: House, value: str) -> None:
    url = house.create("orders.fifo")
    house.send(url, MessageGroupId=value, MessageDeduplicationId=value)
    attributes = house.receive_one(url)["Attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == (value, value)


def test_a_standard_queue_has_groups_but_no_deduplication(house: House) -> None:
    url = house.create("orders")
    house.send(url, MessageGroupId="test")
    attributes = house.receive_one(url)["Attributes"]
    assert attributes["MessageGroupId"] == "test"
    assert "SequenceNumber" not in attributes
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageDeduplicationId="d") == (
        "InvalidParameterValue", f"Value d for parameter MessageDeduplicationId is invalid. Reason: {OTHER_TYPE}"
    )  # fmt: skip
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="a b")[0] == (
        "InvalidParameterValue"
    )


# --- when the broker has no room ------------------------------------------------------------------------------------


def test_senders_are_throttled_while_the_broker_has_no_room(house: House) -> None:
    url = house.create("orders")
    house.alarms.reason = "low on disk space"
    for action, given in (("SendMessage", {"MessageBody": "x"}),
                          ("SendMessageBatch", {"Entries": [{"Id": "a", "MessageBody": "x"}]})):  # fmt: skip
        with pytest.raises(Refused) as caught:
            house.call(action, QueueUrl=url, **given)
        assert (caught.value.code, caught.value.status) == ("RequestThrottled", 403)
    assert house.bodies(url) == []
    house.alarms.reason = ""
    house.send(url)
