"""The access keys that the configuration names are there after the start, and what is there already stays as it is."""

from pathlib import Path

from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.runtime.provisioning import Provisioning
from mqbroker.spoken import load_config

CONFIG = """
[aws]
account = "111122223333"

[[users]]
name = "ann"

[[users.access_keys]]
id = "AKIDEXAMPLE000001"
secret = "one"

[[users.access_keys]]
id = "AKIDEXAMPLE000002"
secret = "two"
account = "444455556666"
"""


class Nobody:
    """No user has a password here."""

    def expect(self, user: str, password: bytes) -> None:
        raise AssertionError

    def forget_expected(self, user: str) -> None:
        raise AssertionError

    def is_expected(self, user: str) -> bool:
        raise AssertionError


def provide(broker: Broker, path: Path) -> None:
    Provisioning(broker, load_config(path), Nobody(), lambda: None).apply()


def test_access_keys_are_made_at_the_start_and_not_changed_later(tmp_path: Path) -> None:
    path = tmp_path / "broker.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    broker = Broker(Ledger(), lambda: "name")
    provide(broker, path)
    keys = {key.id[-1]: (key.user, key.secret, key.account) for key in broker.access.access_keys.values()}
    assert keys == {"1": ("ann", "one", "111122223333"), "2": ("ann", "two", "444455556666")}
    assert broker.access.user("ann").password_hash == ""
    broker.put_access_key("ann", "AKIDEXAMPLE000001", "changed", "111122223333")
    broker.delete_access_key("AKIDEXAMPLE000002")
    provide(broker, path)
    assert {key.id[-1]: key.secret for key in broker.access.access_keys.values()} == {"1": "changed", "2": "two"}
