"""Messages searched, chosen, moved with an undo, copied, sent back to where they died, deleted one by one."""

from typing import Any

import pytest

from tests.management.api import Api

pytestmark = pytest.mark.timeout(120)


def filled(api: Api, name: str, count: int, **arguments: Any) -> list[int]:
    """A queue with so many messages, and their ids."""
    api.put(f"queues/%2F/{name}", {"durable": True, "arguments": arguments})
    for number in range(count):
        api.publish(name, f"body {number}")
    return [each["id"] for each in waiting(api, name)]


def waiting(api: Api, name: str, **query: Any) -> list[Any]:
    """What waits in a queue."""
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return list(api.get(f"mqbroker/queues/%2F/{name}/messages?{text}")["items"])


def bodies(api: Api, name: str) -> list[str]:
    """The payloads of what waits in a queue."""
    return [each["payload"] for each in waiting(api, name)]


def test_a_search_finds_bodies_keys_headers_and_goes_on(api: Api) -> None:
    """One message among thousands could only be found by taking all of them."""
    filled(api, "searched", 5)
    api.publish("searched", "other", headers={"order": "A-17"})
    assert [each["position"] for each in waiting(api, "searched", text="BODY+3")] == [3]
    assert [each["position"] for each in waiting(api, "searched", text="a-17")] == [5]
    first = api.get("mqbroker/queues/%2F/searched/messages?text=body&count=2")
    assert ([each["position"] for each in first["items"]], first["next_offset"]) == ([0, 1], 2)
    rest = api.get("mqbroker/queues/%2F/searched/messages?text=body&count=9&offset=2")
    assert ([each["position"] for each in rest["items"]], rest["next_offset"]) == ([2, 3, 4], 6)


@pytest.mark.parametrize("arguments", [{}, {"x-max-priority": 3}, {"x-queue-type": "quorum"}])
def test_one_message_is_deleted_wherever_it_stands(api: Api, arguments: dict[str, Any]) -> None:
    """Whoever wanted one message gone had to take all before it."""
    name = f"one-{len(arguments)}-{'-'.join(map(str, arguments.values()))}"
    ids = filled(api, name, 4, **arguments)
    assert api.delete(f"mqbroker/queues/%2F/{name}/messages/{ids[2]}") == 204
    assert bodies(api, name) == ["body 0", "body 1", "body 3"]
    assert api.refused("DELETE", f"mqbroker/queues/%2F/{name}/messages/{ids[2]}")[0] == 404
    assert [each["redelivered"] for each in api.take(name, 9)] == [False] * 3
    assert api.refused("DELETE", f"mqbroker/queues/%2F/{name}/messages/x")[0] == 400


def test_chosen_messages_are_moved_and_moved_back(api: Api) -> None:
    """A move that was a mistake could not be taken back."""
    ids = filled(api, "chosen", 4)
    filled(api, "chosen-there", 1)
    found = api.post("mqbroker/queues/%2F/chosen/move", {"destination": "chosen-there", "ids": [ids[1], ids[3]]})
    assert found["moved"] == 2
    assert bodies(api, "chosen") == ["body 0", "body 2"]
    assert bodies(api, "chosen-there") == ["body 0", "body 1", "body 3"]
    back = api.post("mqbroker/queues/%2F/chosen-there/move", {"destination": "chosen", "ids": found["ids"]})
    assert back["moved"] == 2
    assert bodies(api, "chosen-there") == ["body 0"]
    assert bodies(api, "chosen") == ["body 0", "body 2", "body 1", "body 3"]


def test_copies_leave_what_they_are_of(api: Api) -> None:
    """To try something with real messages they had to be taken out."""
    ids = filled(api, "copied", 3)
    filled(api, "copied-there", 0)
    assert api.post("mqbroker/queues/%2F/copied/move", {"destination": "copied-there", "copy": True})["moved"] == 3
    only = {"destination": "copied-there", "copy": True, "ids": ids[:1]}
    assert api.post("mqbroker/queues/%2F/copied/move", only)["moved"] == 1
    assert bodies(api, "copied-there") == ["body 0", "body 1", "body 2", "body 0"]
    assert len(bodies(api, "copied")) == 3


def test_dead_letters_go_back_to_where_each_of_them_died(api: Api) -> None:
    """Dead letters of two queues in one had to be sorted out by hand."""
    filled(api, "letters", 0)
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "letters"}
    for name in ("died-a", "died-b"):
        filled(api, name, 2, **dead)
        api.take(name, 2, "reject_requeue_false")
    api.publish("letters", "never died")
    assert len(bodies(api, "letters")) == 5
    found = api.post("mqbroker/queues/%2F/letters/redrive")
    assert (found["moved"], found["left"]) == (4, 1)
    assert {name: len(ids) for name, ids in found["ids"].items()} == {"died-a": 2, "died-b": 2}
    assert bodies(api, "died-a") == ["body 0", "body 1"]
    assert bodies(api, "letters") == ["never died"]


def test_what_is_chosen_wrongly_is_refused_and_nothing_is_done(api: Api) -> None:
    """A typing error must not move the wrong messages."""
    filled(api, "wrong", 2)
    filled(api, "wrong-there", 0)
    path = "mqbroker/queues/%2F/wrong/move"
    for body in ({"destination": "wrong-there", "ids": "all"}, {"destination": "wrong-there", "ids": [True]},
                 {"destination": "wrong-there", "ids": list(range(2000))}, {"destination": "wrong"},
                 {"destination": "wrong-there", "copy": "perhaps"}):  # fmt: skip
        assert api.refused("POST", path, body)[0] == 400, body
    assert api.refused("POST", path, {"destination": "wrong-there", "ids": [999]})[0] == 404
    assert api.refused("POST", path, {"destination": "nowhere"})[0] == 404
    assert len(bodies(api, "wrong")) == 2
    reader = api.add_user("wrong-reader", right="^wrong$")
    assert reader.refused("POST", path, {"destination": "wrong-there"})[0] == 401
    assert reader.refused("POST", "mqbroker/queues/%2F/wrong-there/redrive")[0] == 401


def test_queues_are_listed_by_what_is_the_matter_with_them(api: Api) -> None:
    """Queues that nobody consumes from were found by looking at all of them."""
    filled(api, "matter-full", 1)
    filled(api, "matter-empty", 0)
    names = {each["name"] for each in api.get("queues?only=no-consumers,not-empty&name=matter")}
    assert names == {"matter-full"}
    assert api.get("queues?only=unacked&name=matter") == []
    assert api.refused("GET", "queues?only=strange")[0] == 400
    assert api.get("queues?sort=messages_details.rate&name=matter")[0]["messages_details"]["rate"] >= 0


def test_a_pattern_shows_what_a_policy_would_be_for(api: Api) -> None:
    """A policy hit more queues than its author had thought of."""
    filled(api, "hit-1", 0)
    filled(api, "hit-2", 0)
    found = api.get("mqbroker/vhosts/%2F/matching?pattern=^hit&apply-to=queues")
    assert found == {"queues": {"count": 2, "first": ["hit-1", "hit-2"]}, "exchanges": {"count": 0, "first": []}}
    assert api.refused("GET", "mqbroker/vhosts/%2F/matching?pattern=(")[0] == 400


def test_a_count_beyond_what_waits_is_all_of_it(api: Api) -> None:
    """A copy of more than there was went on for ever."""
    filled(api, "beyond", 2)
    filled(api, "beyond-there", 0)
    body = {"destination": "beyond-there", "count": (1 << 64) - 1}
    assert api.post("mqbroker/queues/%2F/beyond/move", {**body, "copy": True})["moved"] == 2
    assert api.post("mqbroker/queues/%2F/beyond/redrive", {"count": (1 << 64) - 1})["left"] == 2
    assert api.post("mqbroker/queues/%2F/beyond/move", body)["moved"] == 2
