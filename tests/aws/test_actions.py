"""Every action of SQS and SNS in each of its wires, against what botocore writes and reads.

For SQS on the Query wire, `sqs_query.json` has what botocore 1.29.165 wrote for each action, whose model of SQS was for
that wire, and the XML that it read as the example's output.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from botocore.parsers import create_parser  # type: ignore[import-untyped]
from botocore.serialize import create_serializer  # type: ignore[import-untyped]

from mqbroker.aws.front import json_wire, query_wire
from mqbroker.aws.front.service import Action
from mqbroker.aws.sqs.query_names import SQS_QUERY_NAMES
from mqbroker.protocols.http.messages import HttpResponse
from tests.aws.examples import botocore_model, example_input, example_output, with_milliseconds
from tests.aws.house import sns, sqs

REQUEST_ID = "00000000-0000-4000-8000-000000000000"
SQS_QUERY = orjson.loads(Path(__file__).with_name("sqs_query.json").read_bytes())

sqs_actions = pytest.mark.parametrize("action", sqs().actions.values(), ids=lambda action: action.name)
sns_actions = pytest.mark.parametrize("action", sns().actions.values(), ids=lambda action: action.name)


def parsed_form(action: Action, form: dict[str, Any]) -> dict[str, Any]:
    return query_wire.parse_parameters(query_wire.parse_form(urlencode(form).encode()), action.parse_query)


def read_by_botocore(protocol: str, service: str, name: str, response: HttpResponse) -> dict[str, Any]:
    """A result as botocore reads it, without what it adds."""
    shape = botocore_model(service).operation_model(name).output_shape
    answer = {"status_code": response.status, "headers": {}, "body": response.body}
    result: dict[str, Any] = create_parser(protocol).parse(answer, shape)
    del result["ResponseMetadata"]
    return result


def without_old_names(parameters: dict[str, Any]) -> dict[str, Any]:
    """What the Query wire never had."""
    return {name: value for name, value in parameters.items() if name != "MessageSystemAttributeNames"}


def test_there_are_all_actions() -> None:
    assert (len(sqs().actions), len(sns().actions)) == (23, 42)


@sqs_actions
def test_sqs_reads_what_botocore_writes_in_json(action: Action) -> None:
    operation = botocore_model("sqs").operation_model(action.name)
    request = create_serializer("json").serialize_to_request(example_input("sqs", action.name), operation)
    assert request["headers"]["X-Amz-Target"] == f"{sqs().target_prefix}.{action.name}"
    assert request["headers"]["Content-Type"].encode() == sqs().json_type
    assert json_wire.parse_body(request["body"], action.parse_json) == example_input("sqs", action.name)


@sqs_actions
def test_botocore_reads_what_sqs_answers_in_json(action: Action) -> None:
    output = example_output("sqs", action.name)
    assert read_by_botocore("json", "sqs", action.name, action.answer_json(output, REQUEST_ID)) == output


@sqs_actions
def test_sqs_reads_what_old_clients_write_on_the_query_wire(action: Action) -> None:
    parameters = parsed_form(action, SQS_QUERY[action.name]["form"])
    assert parameters == without_old_names(example_input("sqs", action.name))


@sqs_actions
def test_sqs_answers_what_old_clients_read_on_the_query_wire(action: Action) -> None:
    response = action.answer_query(example_output("sqs", action.name), REQUEST_ID)
    assert response.body.decode() == SQS_QUERY[action.name]["answer"]


@sns_actions
def test_sns_reads_what_botocore_writes(action: Action) -> None:
    operation = botocore_model("sns").operation_model(action.name)
    request = create_serializer("query").serialize_to_request(example_input("sns", action.name), operation)
    assert parsed_form(action, request["body"]) == example_input("sns", action.name)


@sns_actions
def test_botocore_reads_what_sns_answers(action: Action) -> None:
    output = example_output("sns", action.name)
    response = action.answer_query(with_milliseconds(output), REQUEST_ID)
    result = read_by_botocore("query", "sns", action.name, response)
    assert result == output


@sqs_actions
def test_an_action_answers_in_json_on_the_query_wire(action: Action) -> None:
    response = action.answer_query_in_json(example_output("sqs", action.name), REQUEST_ID)
    document = orjson.loads(response.body)[f"{action.name}Response"]
    assert response.content_type == b"application/json"
    assert document.pop("ResponseMetadata") == {"RequestId": REQUEST_ID}
    assert list(document) == ([f"{action.name}Result"] if action.has_output else [])


def test_a_map_is_a_list_of_entries_in_json_on_the_query_wire() -> None:
    action = sqs().actions["GetQueueAttributes"]
    response = action.answer_query_in_json({"Attributes": {"QueueArn": "arn"}}, REQUEST_ID)
    result = {"Attributes": [{"Name": "QueueArn", "Value": "arn"}]}
    assert orjson.loads(response.body)["GetQueueAttributesResponse"]["GetQueueAttributesResult"] == result


def test_an_action_without_a_result_has_an_empty_body_in_json() -> None:
    assert sqs().actions["DeleteMessage"].answer_json({}, REQUEST_ID).body == b""
    assert sqs().actions["ReceiveMessage"].answer_json({}, REQUEST_ID).body == b"{}"


def test_an_empty_result_is_an_empty_element() -> None:
    body = sqs().actions["ReceiveMessage"].answer_query({}, REQUEST_ID).body
    assert b"<ReceiveMessageResult/>" in body
    body = sqs().actions["ReceiveMessage"].answer_query({"Messages": []}, REQUEST_ID).body
    assert b"<ReceiveMessageResult/>" in body


def test_text_that_xml_would_change_arrives_as_it_was() -> None:
    action = sqs().actions["ReceiveMessage"]
    text = '\r\n\t<a b="c"> & \' ]]> \U0001f600 \x85\u2028'
    response = action.answer_query({"Messages": [{"Body": text}]}, REQUEST_ID)
    assert b"&#xD;\n\t&lt;a b=&quot;c&quot;&gt; &amp; ' ]]&gt;" in response.body
    shape = botocore_model("sns").operation_model("GetDataProtectionPolicy").output_shape
    assert shape is not None  # a string alone in a result of SNS, which botocore still reads in this wire
    answer = sns().actions["GetDataProtectionPolicy"].answer_query({"DataProtectionPolicy": text}, REQUEST_ID)
    assert read_by_botocore("query", "sns", "GetDataProtectionPolicy", answer) == {"DataProtectionPolicy": text}


def test_what_xml_forbids_is_replaced() -> None:
    answer = (
        sns()
        .actions["GetDataProtectionPolicy"]
        .answer_query({"DataProtectionPolicy": "a\x00\x1f\ufffe\ud800b"}, REQUEST_ID)
    )
    result = read_by_botocore("query", "sns", "GetDataProtectionPolicy", answer)
    assert result == {"DataProtectionPolicy": "a\ufffd\ufffd\ufffd\ufffdb"}


def test_every_list_and_map_of_sqs_has_its_name_on_the_query_wire() -> None:
    shapes = botocore_model("sqs").shape_names
    found = [botocore_model("sqs").shape_for(name) for name in shapes]
    assert {shape.name for shape in found if shape.type_name in ("list", "map")} == SQS_QUERY_NAMES.elements.keys()
    assert {shape.name for shape in found if shape.type_name == "map"} == SQS_QUERY_NAMES.keys.keys()
