"""Fair queues: a group of a standard queue that has too much in flight lets the others go first."""

from tests.support.sqs_house import House


def queue(house: House, noisy: int, quiet: int) -> str:
    """A queue in which a noisy tenant has sent many messages before the quiet ones."""
    url = house.create("orders")
    for number in range(noisy):
        house.send(url, f"noisy {number}", MessageGroupId="noisy")
    for number in range(quiet):
        house.send(url, f"quiet {number}", MessageGroupId=f"quiet {number}".replace(" ", "-"))
    return url


def take(house: House, url: str, count: int) -> list[str]:
    """So many messages in flight, ten at a time."""
    return [body for _ in range(count // 10) for body in house.bodies(url, 10)]


def test_a_group_with_much_in_flight_lets_others_go_first(house: House) -> None:
    url = queue(house, noisy=100, quiet=5)
    assert take(house, url, 30) == [f"noisy {number}" for number in range(30)], "nobody else is known to wait"
    assert house.bodies(url, 5) == [f"quiet {number}" for number in range(5)]
    assert house.bodies(url, 2) == ["noisy 30", "noisy 31"], "it is served when no other has anything"


def test_messages_without_a_group_are_quiet(house: House) -> None:
    url = queue(house, noisy=60, quiet=0)
    take(house, url, 40)
    house.send(url, "plain")
    assert house.bodies(url, 2) == ["plain", "noisy 40"]


def test_a_group_is_quiet_again_when_its_messages_are_settled(house: House) -> None:
    url = queue(house, noisy=60, quiet=0)
    messages = [message for _ in range(4) for message in house.receive(url, 10)]
    house.send(url, "quiet", MessageGroupId="quiet")
    for message in messages:
        house.delete(url, message)
    assert house.bodies(url, 2) == ["noisy 40", "noisy 41"]


def test_a_group_does_not_lock_a_standard_queue(house: House) -> None:
    url = queue(house, noisy=3, quiet=0)
    assert [house.bodies(url, 1) for _ in range(3)] == [["noisy 0"], ["noisy 1"], ["noisy 2"]]


def test_the_metrics_know_who_is_noisy(house: House) -> None:
    url = queue(house, noisy=50, quiet=3)
    take(house, url, 30)
    counts = house.queue("orders").core.lines.group_counts()
    assert (counts.noisy, counts.in_flight) == (1, 1)
    assert (counts.visible_in_quiet, counts.in_flight_in_quiet) == (3, 0)
