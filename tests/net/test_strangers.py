"""The budget of connections without a name is shared out by listener and address where it is short."""

from dataclasses import dataclass, field

from mqbroker.net.strangers import Strangers
from mqbroker.protocols.session import Peer


@dataclass(eq=False)
class Stranger:
    """What `Strangers` needs of a connection."""

    port: int
    host: str = "127.0.0.1"
    is_authenticated: bool = False
    is_turned_away: bool = False
    accepted_from: Peer = field(init=False)

    def __post_init__(self) -> None:
        self.accepted_from = Peer(self.host, 40_000, True, "127.0.0.1", self.port)


def strangers_of(most: int) -> Strangers:
    return Strangers(most, lambda connection: setattr(connection, "is_turned_away", True))


def flood(strangers: Strangers, count: int, port: int, host: str = "127.0.0.1") -> list[Stranger]:
    made = [Stranger(port, host) for _ in range(count)]
    for each in made:
        strangers.admit(each)  # type: ignore[arg-type]
    return made


def admitted(strangers: Strangers, *newcomers: Stranger) -> list[bool]:
    return [strangers.admit(each) for each in newcomers]  # type: ignore[arg-type]


def test_a_flood_on_one_listener_keeps_nobody_out_on_another() -> None:
    """1,100 idle sockets from one address, on any listener: 0 of 120 right clients got in on any other."""
    strangers = strangers_of(100)
    idle = flood(strangers, 110, port=1883)
    right = [Stranger(5672) for _ in range(40)]
    assert admitted(strangers, *right) == [True] * 40
    assert [each.is_turned_away for each in idle] == [True] * 40 + [False] * 70
    assert not any(each.is_turned_away for each in right)
    assert len(strangers) == 100


def test_a_flood_from_one_address_keeps_no_other_address_out() -> None:
    strangers = strangers_of(100)
    flood(strangers, 110, port=5672, host="10.0.0.66")
    assert admitted(strangers, *(Stranger(5672, f"10.0.0.{number}") for number in range(20))) == [True] * 20


def test_shares_are_even_at_last_and_then_the_newcomer_is_turned_away() -> None:
    strangers = strangers_of(100)
    flood(strangers, 100, port=1883)
    newcomers = [Stranger(5672) for _ in range(60)]
    assert admitted(strangers, *newcomers) == [True] * 50 + [False] * 10
    assert not any(each.is_turned_away for each in newcomers)


def test_whoever_floods_is_turned_away_itself() -> None:
    strangers = strangers_of(10)
    first = flood(strangers, 10, port=5672)
    assert admitted(strangers, Stranger(5672)) == [False]
    assert not any(each.is_turned_away for each in first)


def test_who_has_logged_in_meanwhile_no_longer_counts() -> None:
    strangers = strangers_of(2)
    for each in flood(strangers, 2, port=5672):
        each.is_authenticated = True
    assert admitted(strangers, Stranger(5672), Stranger(5672), Stranger(5672)) == [True, True, False]


def test_addresses_of_one_ipv6_network_share_a_share() -> None:
    strangers = strangers_of(10)
    flood(strangers, 5, port=5672, host="2001:db8::1")
    flood(strangers, 5, port=5672, host="2001:db8:0:0:ffff::2")
    assert admitted(strangers, Stranger(5672, "2001:db8::3")) == [False]
    assert admitted(strangers, Stranger(5672, "2001:db8:0:1::3")) == [True]


def test_a_connection_that_is_gone_makes_room() -> None:
    strangers = strangers_of(1)
    (first,) = flood(strangers, 1, port=5672)
    strangers.discard(first)  # type: ignore[arg-type]
    strangers.discard(first)  # type: ignore[arg-type]
    assert admitted(strangers, Stranger(5672), Stranger(5672)) == [True, False]
