"""The actions on topics themselves: create, find, list, change, tag, delete, and who may use them."""

from typing import Any

from mqbroker.aws.front.call import Call
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn, parse_topic
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.paging import page_of
from mqbroker.aws.sns.permissions import add_permission, remove_permission
from mqbroker.aws.sns.protection import Protection
from mqbroker.aws.sns.replay import archive_begin
from mqbroker.aws.sns.service import SnsService
from mqbroker.aws.sns.tags import check_count, read_tags
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topic_attributes import (
    check_given,
    check_name,
    check_value,
    effective,
    is_known,
    is_removable,
    wants_fifo,
)
from mqbroker.errors import AwsError


class TopicActions:
    """CreateTopic to UntagResource."""

    def __init__(self, service: SnsService, public_url: str) -> None:
        """`public_url` is what links begin with; empty for what the client that makes a topic has used."""
        self._service = service
        self._topics = service.topics
        self._public_url = public_url

    # --- create, list, delete ---------------------------------------------------------------------------------------

    def create_topic(self, call: Call) -> None:
        """CreateTopic. The same again, with nothing that differs, finds the topic that is there."""
        given = call.parameters
        attributes: dict[str, str] = given.get("Attributes", {})
        is_fifo = wants_fifo(attributes)
        check_name(given["Name"], is_fifo)
        tags = read_tags(given.get("Tags", ()))
        check_count(tags)
        checked = check_given(attributes, is_fifo)
        if given.get("DataProtectionPolicy"):
            Protection.parse(given["DataProtectionPolicy"])
        self._service.check_account(call, given["Name"])
        arn = TopicArn(call.caller.region, call.caller.account, given["Name"])
        topic = self._topics.get(arn)
        if topic is not None:
            _check_same(topic, checked, tags, is_fifo)
        else:
            base_url = self._public_url or call.base_url
            topic = self._topics.create(arn, is_fifo, checked, tags, base_url, call.now)
            if given.get("DataProtectionPolicy"):
                topic.protect(given["DataProtectionPolicy"])
                self._topics.keep(topic)
        self._service.answer_when_safe(call, {"TopicArn": str(arn)})

    def list_topics(self, call: Call) -> None:
        """ListTopics."""
        caller = call.caller
        self._service.check_account(call)
        page, token = page_of(
            self._topics.of(caller.account, caller.region),
            call.parameters.get("NextToken"),
            lambda topic: topic.arn.name,
        )
        call.answer({"Topics": [{"TopicArn": str(topic.arn)} for topic in page], "NextToken": token})

    def delete_topic(self, call: Call) -> None:
        """DeleteTopic. One that is not there is deleted."""
        arn = parse_topic(call.parameters["TopicArn"], call.caller.region)
        topic = self._topics.get(arn)
        if topic is not None:
            self._service.check(call, topic)
            if topic.attributes.get("ArchivePolicy"):
                raise refusals.invalid("Unable to delete a topic that has an ArchivePolicy: remove that first")
            self._topics.delete(topic)
        self._service.answer_when_safe(call)

    # --- attributes -------------------------------------------------------------------------------------------------

    def get_topic_attributes(self, call: Call) -> None:
        """GetTopicAttributes."""
        topic = self._service.topic_of(call)
        shown = topic.shown()
        begin = archive_begin(topic)
        if begin is not None:
            shown["BeginningArchiveTime"] = timestamp_text(begin)
        call.answer({"Attributes": shown})

    def set_topic_attributes(self, call: Call) -> None:
        """SetTopicAttributes."""
        topic = self._service.topic_of(call)
        name, value = call.parameters["AttributeName"], call.parameters.get("AttributeValue", "")
        if not is_known(name, topic.is_fifo):
            raise refusals.invalid("AttributeName")
        attributes = {**topic.attributes, name: check_value(name, value)}
        if not attributes[name] and is_removable(name):
            del attributes[name]
        self._topics.change(topic, attributes, call.now)
        self._service.answer_when_safe(call)

    # --- permissions ------------------------------------------------------------------------------------------------

    def add_permission(self, call: Call) -> None:
        """AddPermission."""
        topic = self._service.topic_of(call)
        given = call.parameters
        text = add_permission(topic.policy, topic.arn, given["Label"], given["AWSAccountId"], given["ActionName"])
        self._set_policy(call, topic, text)

    def remove_permission(self, call: Call) -> None:
        """RemovePermission."""
        topic = self._service.topic_of(call)
        self._set_policy(call, topic, remove_permission(topic.policy, topic.arn, call.parameters["Label"]))

    def _set_policy(self, call: Call, topic: Topic, text: str) -> None:
        attributes = {**topic.attributes, "Policy": text}
        if not text:
            del attributes["Policy"]
        self._topics.change(topic, attributes, call.now)
        self._service.answer_when_safe(call)

    # --- data protection --------------------------------------------------------------------------------------------

    def get_data_protection_policy(self, call: Call) -> None:
        """GetDataProtectionPolicy."""
        call.answer({"DataProtectionPolicy": self._tagged(call).protection_text})

    def put_data_protection_policy(self, call: Call) -> None:
        """PutDataProtectionPolicy; an empty one takes it away."""
        topic = self._tagged(call)
        topic.protect(call.parameters["DataProtectionPolicy"])
        self._topics.keep(topic)
        self._service.answer_when_safe(call)

    # --- tags -------------------------------------------------------------------------------------------------------

    def tag_resource(self, call: Call) -> None:
        """TagResource."""
        topic = self._tagged(call)
        self._set_tags(call, topic, {**topic.tags, **read_tags(call.parameters["Tags"])})

    def untag_resource(self, call: Call) -> None:
        """UntagResource."""
        topic = self._tagged(call)
        gone = call.parameters["TagKeys"]
        self._set_tags(call, topic, {key: value for key, value in topic.tags.items() if key not in gone})

    def _set_tags(self, call: Call, topic: Topic, tags: dict[str, str]) -> None:
        check_count(tags)
        topic.tags = tags
        self._topics.keep(topic)
        self._service.answer_when_safe(call, {})

    def list_tags_for_resource(self, call: Call) -> None:
        """ListTagsForResource."""
        topic = self._tagged(call)
        call.answer({"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]})

    def _tagged(self, call: Call) -> Topic:
        try:
            return self._service.topic_of(call, "ResourceArn")
        except AwsError as error:
            if error.code == "NotFound":
                raise refusals.resource_not_found() from None
            raise


def _check_same(topic: Topic, given: dict[str, str], tags: dict[str, str], is_fifo: bool) -> None:
    have: dict[str, Any] = effective(topic.attributes, topic.arn, topic.is_fifo)
    if is_fifo is not topic.is_fifo or any(have.get(name) != value for name, value in given.items()):
        raise refusals.invalid("Attributes Reason: Topic already exists with different attributes")
    if any(topic.tags.get(key) != value for key, value in tags.items()):
        raise refusals.invalid("Tags Reason: Topic already exists with different tags")
