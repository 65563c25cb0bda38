"""Tags of queues."""

import pytest

from tests.support.sqs_house import House


def tags(house: House, url: str) -> dict[str, str]:
    found: dict[str, str] = house.call("ListQueueTags", QueueUrl=url).get("Tags", {})
    return found


def test_a_queue_without_tags_lists_none(house: House) -> None:
    assert house.call("ListQueueTags", QueueUrl=house.create("orders")) == {}


def test_a_queue_may_be_made_with_tags(house: House) -> None:
    given = {"tag1": "value1", "tag2": "value2"}
    url = house.call("CreateQueue", QueueName="orders", tags=given)["QueueUrl"]
    assert tags(house, url) == given


def test_creating_it_again_leaves_the_tags(house: House) -> None:
    url = house.call("CreateQueue", QueueName="orders", tags={"a": "1"})["QueueUrl"]
    house.call("CreateQueue", QueueName="orders", tags={"a": "2"})
    assert tags(house, url) == {"a": "1"}


def test_tags_are_added_overwritten_and_taken_away(house: House) -> None:
    url = house.create("orders")
    house.call("TagQueue", QueueUrl=url, Tags={"tag1": "value1", "tag2": "value2", "tag3": ""})
    assert tags(house, url) == {"tag1": "value1", "tag2": "value2", "tag3": ""}
    house.call("TagQueue", QueueUrl=url, Tags={"tag1": "VALUE1", "tag4": "value4"})
    house.call("UntagQueue", QueueUrl=url, TagKeys=["tag3", "tag4", "never"])
    assert tags(house, url) == {"tag1": "VALUE1", "tag2": "value2"}
    house.call("UntagQueue", QueueUrl=url, TagKeys=["tag1", "tag2"])
    assert house.call("ListQueueTags", QueueUrl=url) == {}


def test_keys_differ_by_case(house: House) -> None:
    url = house.create("orders")
    house.call("TagQueue", QueueUrl=url, Tags={"MyTag": "value1", "mytag": "value2"})
    assert tags(house, url) == {"MyTag": "value1", "mytag": "value2"}


def test_tags_may_be_of_any_language(house: House) -> None:
    url = house.create("orders")
    given = {"Straße & <co>": "grün", "a" * 128: "b" * 256}
    house.call("TagQueue", QueueUrl=url, Tags=given)
    assert tags(house, url) == given


def test_a_queue_has_fifty_tags_at_most(house: House) -> None:
    url = house.create("orders")
    house.call("TagQueue", QueueUrl=url, Tags={f"k{number}": "" for number in range(50)})
    said = house.refused("TagQueue", QueueUrl=url, Tags={"one": "more"})
    assert said == ("InvalidParameterValue", "Too many tags added for queue orders.")
    house.call("TagQueue", QueueUrl=url, Tags={"k1": "again"})
    assert len(tags(house, url)) == 50
    many = {f"k{number}": "" for number in range(51)}
    assert house.refused("CreateQueue", QueueName="new", tags=many)[0] == "InvalidParameterValue"


@pytest.mark.parametrize("given", [{"": "x"}, {"a" * 129: "x"}, {"a": "b" * 257}, {"aws:a": "x"}, {"AWS:a": "x"}])
def test_a_tag_that_cannot_be(house: House, given: dict[str, str]) -> None:
    url = house.create("orders")
    assert house.refused("TagQueue", QueueUrl=url, Tags=given)[0] == "InvalidParameterValue"
    assert tags(house, url) == {}


@pytest.mark.parametrize(("action", "name"), [("TagQueue", "Tags"), ("UntagQueue", "TagKeys")])
def test_there_is_something_to_do(house: House, action: str, name: str) -> None:
    said = house.refused(action, QueueUrl=house.create("orders"))
    assert said == ("MissingParameter", f"The request must contain the parameter {name}.")


def test_empty_lists_are_refused_too() -> None:
    house = House()
    url = house.create("orders")
    said = house.refused("TagQueue", QueueUrl=url, Tags={})
    assert said == ("MissingParameter", "The request must contain the parameter Tags.")
    said = house.refused("UntagQueue", QueueUrl=url, TagKeys=[])
    assert said == ("InvalidParameterValue", "Tag keys must be between 1 and 128 characters in length.")
