"""Users of the configuration: made, compared, and hashed without holding up the start."""

import os
from pathlib import Path

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.core.access.passwords import verify
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.runtime.provisioning import Provisioning
from mqbroker.spoken import load_config
from tests.support.amqp_talk import Closed
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually

PATIENCE_S = 45  # hashing has a low priority

USER = """
[[users]]
name = "{}"
password = "{}"
[[users.permissions]]
vhost = "/"
configure = "{}"
write = ".*"
read = ".*"
"""


class Logins:
    """Whose password is known without a hash."""

    def __init__(self) -> None:
        self.expected: dict[str, bytes] = {}

    def expect(self, user: str, password: bytes) -> None:
        self.expected[user] = password

    def forget_expected(self, user: str) -> None:
        self.expected.pop(user, None)

    def is_expected(self, user: str) -> bool:
        return user in self.expected


class RememberingLedger(Ledger):
    """Remembers the keys of what was defined."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def define(self, key: str, value: bytes | None) -> None:
        self.keys.append(key)


def test_users_of_another_source_stay_when_the_configuration_is_applied(tmp_path: Path) -> None:
    """A reload with apply_users, for a certificate, ended the sessions of all users of the service for log-ins."""
    path = tmp_path / "broker.toml"
    path.write_text("apply_users = true\n")
    logins, broker = Logins(), Broker(Ledger(), lambda: "name")
    for name in ("eve", "unnamed"):
        broker.provisional_users.add(name)
        broker.put_user(name, "")
    logins.expect("unnamed", b"of an earlier configuration")
    Provisioning(broker, load_config(path), logins, lambda: None).apply()
    assert broker.access.users.keys() == {"eve"}


def can_log_in(broker: BrokerProcess, user: str, password: str) -> bool:
    with RawAmqp(broker.ports["amqp"]) as client:
        try:
            client.open(user, password)
        except (AssertionError, Closed):
            return False
        return True


async def test_new_users_get_in_before_they_have_a_hash_and_are_in_the_journal_only_with_one(tmp_path: Path) -> None:
    """300 users with passwords in the configuration: the first start took 58.7 s."""
    path = tmp_path / "broker.toml"
    path.write_text("".join(USER.format(f"user{number}", f"secret{number}", ".*") for number in range(3)))
    path.chmod(0o600)
    ledger, logins = RememberingLedger(), Logins()
    kept = ledger.keys
    broker = Broker(ledger, lambda: "name")
    provisioning = Provisioning(broker, load_config(path), logins, lambda: None)
    provisioning.apply()
    assert logins.expected == {f"user{number}": b"secret%d" % number for number in range(3)}
    assert not any("user" in key for key in kept)
    await provisioning.hash_task()
    assert logins.expected == {}
    for number in range(3):
        user = broker.access.user(f"user{number}")
        assert verify(b"secret%d" % number, user.password_hash)
        assert user.permissions["/"].configure == ".*"
        assert sum(user.name in key for key in kept) == 1


async def test_what_is_changed_of_a_user_before_the_hash_is_kept_with_it(tmp_path: Path) -> None:
    """A permission given meanwhile wrote the user without a hash: no password let him in after a kill."""
    path = tmp_path / "broker.toml"
    path.write_text(USER.format("ann", "one", ".*") + USER.format("ben", "two", ".*"))
    path.chmod(0o600)
    ledger = RememberingLedger()
    broker = Broker(ledger, lambda: "name")
    provisioning = Provisioning(broker, load_config(path), Logins(), lambda: None)
    provisioning.apply()
    broker.set_permissions("ann", "/", Permissions("^a", "", ""))
    broker.put_user("ann", broker.access.user("ann").password_hash, ["policymaker"])
    broker.put_access_key("ann", "AKIAAAAAAAAAAAAAAAAA", "secret", "000000000000")
    assert not any("ann" in key or "AKIA" in key for key in ledger.keys)
    broker.put_user("ben", "of another password")
    await provisioning.hash_task()
    assert sum("ann" in key for key in ledger.keys) == sum("AKIA" in key for key in ledger.keys) == 1
    assert verify(b"one", broker.access.user("ann").password_hash)
    assert broker.access.user("ann").permissions["/"].configure == "^a"
    assert broker.access.user("ann").tags == {"policymaker"}
    assert broker.access.user("ben").password_hash == "of another password"


@pytest.mark.timeout(200)
def test_what_the_configuration_says_otherwise_is_a_warning_and_apply_users_makes_it_so(tmp_path: Path) -> None:
    """A password or permission that was changed in the file changed nothing, and nothing was said."""
    config = USER.format("ann", "one", "") + USER.format("ben", "secret", "")
    with BrokerProcess(tmp_path / "data", config=config) as broker:
        assert can_log_in(broker, "ann", "one")
        # Hashes are written in the background, and this user's last.
        eventually(lambda: hashed_users(broker.data_dir) == {"ann", "ben"}, PATIENCE_S)
    changed = BrokerProcess(tmp_path / "data", config=USER.format("ann", "two", "^a"))
    with changed:
        eventually(lambda: "password (--apply-users" in changed.log(), PATIENCE_S)
        log = changed.log()
        assert "user 'ann' differs from the configuration and is left as it is: permissions in vhost '/'" in log
        assert can_log_in(changed, "ann", "one")
        assert not can_log_in(changed, "ann", "two")
        assert can_log_in(changed, "ben", "secret")
    applied = BrokerProcess(tmp_path / "data", "--apply-users", config=USER.format("ann", "two", "^a"))
    with applied:
        eventually(lambda: "user 'ann' has from the configuration now: password" in applied.log(), PATIENCE_S)
        assert can_log_in(applied, "ann", "two")
        assert not can_log_in(applied, "ann", "one")
        assert not can_log_in(applied, "ben", "secret")
        with RawAmqp(applied.ports["amqp"]) as client:
            client.open("ann", "two")
            client.declare("allowed")
            assert client.refused("queue.declare", queue="forbidden", exclusive=True).code == 403
    assert "user 'ben' is deleted: the configuration does not name it" in applied.log()


def hashed_users(data_dir: Path) -> set[str]:
    """The users whom the journal has."""
    found = set()
    for path in data_dir.glob("*"):
        octets = path.read_bytes() if path.is_file() else b""
        found |= {name for name in ("ann", "ben") if b'["user","%b"]' % name.encode() in octets}
    return found


def test_a_broker_without_any_user_says_so(tmp_path: Path) -> None:
    """It started without a word, and nobody could log in."""
    with BrokerProcess(tmp_path / "data") as broker:
        pass
    assert "there is no user, so nobody can log in" in broker.log()


def test_a_container_gets_its_first_user_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """guest may not come from another machine, and nobody found the three settings that would let somebody in."""
    variables = {"USER": "shop", "PASS": "opening hours", "VHOST": "orders"}
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, f"MQBROKER_DEFAULT_{name}", value)
    with BrokerProcess(tmp_path / "data") as broker, RawAmqp(broker.ports["amqp"]) as client:
        client.open("shop", "opening hours", "orders")
        client.declare("anything")
