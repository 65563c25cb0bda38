"""The configuration: every option is documented, and every mistake is one sentence that says where it is."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mqbroker import spoken
from mqbroker.aws.config import (
    AccountDefinition,
    AwsConfig,
    QueueDefinition,
    SubscriptionDefinition,
    TopicDefinition,
)
from mqbroker.config.access_keys import AccessKeyDefinition
from mqbroker.config.composition import config_kind, listener_parser
from mqbroker.config.load import development_listeners
from mqbroker.config.option import Option, all_options, options_of, table_kind
from mqbroker.config.sections import PermissionDefinition, UserDefinition, VhostDefinition
from mqbroker.config.sources import key_lines
from mqbroker.errors import ConfigError

# Which sections there are is known when the protocols are.
load_config: Callable[..., Any] = spoken.load_config
Config: Any = config_kind(spoken.PROTOCOLS)
DEV_LISTENERS = development_listeners(spoken.PROTOCOLS)
parse_listener = listener_parser(spoken.PROTOCOLS)

EXAMPLE = Path(__file__).parents[1] / "conf" / "mqbroker.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "broker.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def error_of(folder: Path, text: str) -> str:
    """The sentence that a file with `text` is refused with, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    return str(caught.value).removeprefix(f"{folder}/broker.toml, ")


def section_text(name: str) -> str:
    """The part of the example file that documents the table `name`; the top level for an empty name."""
    text = re.split(r"^\[(?!\[)", EXAMPLE.read_text(), flags=re.MULTILINE)
    return next(part for part in text if part.startswith(f"{name}]")) if name else text[0]


def test_the_example_file_loads_to_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, EXAMPLE.read_text())) == Config()


def test_the_defaults_written_in_the_example_file_are_the_defaults(tmp_path: Path) -> None:
    text = re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert load_config(write(tmp_path, text)) == Config()


@pytest.mark.parametrize("option", list(all_options(Config)), ids=lambda option: ".".join(option.path))
def test_every_option_is_documented_in_the_example_file(option: Option) -> None:
    pattern = rf"^#(  +)?{option.path[-1]} = "
    assert re.search(pattern, section_text(".".join(option.path[:-1])), flags=re.MULTILINE)


DEFINITIONS = (
    VhostDefinition, UserDefinition, PermissionDefinition, AccessKeyDefinition, AccountDefinition, QueueDefinition,
    TopicDefinition, SubscriptionDefinition,
)  # fmt: skip


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_every_option_of_a_definition_is_documented_in_the_example_file(kind: type) -> None:
    definitions = EXAMPLE.read_text().partition("# Vhosts and users")[2]
    for option in options_of(kind):
        assert re.search(rf"^#   {option.path[-1]} = ", definitions, flags=re.MULTILINE)


def test_the_definitions_in_the_example_file_load(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text().partition("# Vhosts and users")[2].splitlines()
    text = "\n".join(line[4:] for line in lines if line.startswith("#   ") and "password =" not in line)
    permissions = PermissionDefinition(vhost="orders", configure="^shop\\.", write=".*", read=".*")
    key = AccessKeyDefinition("AKIAIOSFODNN7EXAMPLE", "...", "111122223333")
    user = UserDefinition("shop", None, "...", ("monitoring",), permissions=(permissions,), access_keys=(key,))
    attributes = (("FifoQueue", "true"), ("VisibilityTimeout", "60"))
    queue = QueueDefinition("invoices.fifo", "111122223333", "eu-west-1", attributes, (("team", "shop"),))
    place = ("111122223333", "eu-west-1")
    topic = TopicDefinition("orders", *place, (("DisplayName", "Orders"),), (("team", "shop"),))
    raw = (("RawMessageDelivery", "true"),)
    subscription = SubscriptionDefinition("orders", *place, "https", "https://shop.example/orders", raw)
    account = AccountDefinition("111122223333", "orders")
    aws = AwsConfig(accounts=(account,), queues=(queue,), topics=(topic,), subscriptions=(subscription,))
    expected = replace(Config(), vhosts=(VhostDefinition("orders"),), users=(user,), aws=aws)
    assert load_config(write(tmp_path, text)) == expected


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'log_level = "error"\ndurability = "memory"\n[amqp]\nheartbeat_s = 5\n')
    environment = {"MQBROKER_LOG_LEVEL": "warning", "MQBROKER_DURABILITY": "write"}
    config = load_config(path, environment, {"log_level": "debug", "durability": None})
    assert (config.log_level, config.durability, config.amqp.heartbeat_s) == ("debug", "write", 5)


def test_environment_variables_are_read_as_numbers_truths_and_lists() -> None:
    environment = {
        "MQBROKER_DEV": "true",
        "MQBROKER_LISTENERS": "amqp://127.0.0.1:1, amqps://[::1]:2",
        "MQBROKER_AMQP_FRAME_MAX": "8192",
        "MQBROKER_LIMITS_MEMORY_HIGH_WATERMARK": "0.5",
        "MQBROKER_PROXY_PROTOCOL_SOURCES": "10.0.0.0/8",
    }
    config = load_config(None, environment)
    assert [(listener.host, listener.port) for listener in config.listeners] == [("127.0.0.1", 1), ("::1", 2)]
    assert config.dev
    assert config.amqp.frame_max == 8192
    assert config.limits.memory_high_watermark == 0.5
    assert str(config.proxy_protocol.sources[0]) == "10.0.0.0/8"


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"^MQBROKER_AMQP_FRAME_MAX must be a whole number, not 'big'$"):
        load_config(None, {"MQBROKER_AMQP_FRAME_MAX": "big"})


def test_a_mistake_in_a_flag_names_the_flag() -> None:
    with pytest.raises(
        ConfigError, match=r"^--listen has a listener 'ftp://127.0.0.1' whose scheme is not one of amqp"
    ):
        load_config(flags={"listeners": ["ftp://127.0.0.1"]})


@pytest.mark.parametrize(("alias", "scheme"), [("sqs", "aws"), ("sqss", "awss")])
def test_a_listener_may_be_called_as_clients_call_it(alias: str, scheme: str) -> None:
    """The bug: a listener sqs:// was refused, and no list of schemes had aws://."""
    listener, plain = parse_listener(f"{alias}://127.0.0.1"), parse_listener(f"{scheme}://127.0.0.1")
    assert (listener.scheme, listener.port, listener.is_tls) == (plain.scheme, plain.port, plain.is_tls)


def test_development_listens_plain_and_with_tls_on_both_loopbacks_unless_told_otherwise() -> None:
    assert load_config(flags={"dev": True}).listeners == DEV_LISTENERS
    only = load_config(flags={"dev": True, "listeners": ["amqp://127.0.0.1:5672"]})
    assert only.listeners == (parse_listener("amqp://127.0.0.1:5672"),)


def test_development_takes_any_access_key_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_config().aws.auth == "sigv4"
    assert load_config(flags={"dev": True}).aws.auth == "any"
    path = write(tmp_path, '[aws]\nauth = "sigv4"\n')
    assert load_config(path, flags={"dev": True}).aws.auth == "sigv4"
    assert load_config(None, {"MQBROKER_AWS_AUTH": "sigv4"}, {"dev": True}).aws.auth == "sigv4"


def test_development_is_not_strict_with_queues_of_sqs_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_config().aws.sqs_strict
    assert not load_config(flags={"dev": True}).aws.sqs_strict
    path = write(tmp_path, "[aws]\nsqs_strict = true\n")
    assert load_config(path, flags={"dev": True}).aws.sqs_strict


def test_development_lets_pages_of_this_machine_in_only_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_config().websocket.origins == load_config().aws.origins == ()
    config = load_config(flags={"dev": True})
    assert config.websocket.origins == config.aws.origins == ("loopback",)
    path = write(tmp_path, '[websocket]\norigins = []\n[aws]\norigins = ["https://shop.example", "loopback"]\n')
    config = load_config(path, flags={"dev": True})
    assert (config.websocket.origins, config.aws.origins) == ((), ("https://shop.example", "loopback"))


def test_any_access_key_is_taken_from_other_machines_only_by_setting(tmp_path: Path) -> None:
    text = '[aws]\nauth = "any"\n[security]\nallow_insecure = true\n'
    config = load_config(write(tmp_path, 'listeners = ["aws://0.0.0.0"]\n' + text))
    assert config.aws.auth == "any"


def test_a_user_with_access_keys_may_do_without_a_password(tmp_path: Path) -> None:
    text = f'[[users]]\nname = "a"\n{KEY.format("AKIAIOSFODNN7EXAMPLE")}'
    (user,) = load_config(write(tmp_path, text)).users
    assert (user.password, user.password_hash) == (None, None)


KEY = '[[users.access_keys]]\nid = "{}"\nsecret = "x"\n'
USER = '[[users]]\nname = "{}"\npassword = "x"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nfoo = 1\n", "line 2: there is no option foo"),
        ("[amqp]\nframemax = 1", "line 2: there is no option amqp.framemax; did you mean frame_max?"),
        ("[ampq]\n", "line 1: there is no option ampq; did you mean amqp?"),
        ("amqp = 1", "line 1: amqp is a table, written [amqp]"),
        ("users = 1", "line 1: users is a list of tables, each written [[users]]"),
        ("data_dir = 1", "line 1: data_dir must be text, not 1"),
        ("dev = 1", "line 1: dev must be true or false, not 1"),
        ("[amqp]\n\nframe_max = true", "line 3: amqp.frame_max must be a whole number, not True"),
        ("amqp.frame_max = 1.5", "line 1: amqp.frame_max must be a whole number, not 1.5"),
        ("amqp = { frame_max = 100 }", "line 1: amqp.frame_max must be at least 4096, not 100"),
        ("[amqp]\nframe_max = 99999999", "line 2: amqp.frame_max must be at most 16777216, not 99999999"),
        ("limits.memory_high_watermark = nan", "line 1: limits.memory_high_watermark must be at least 0.01, not nan"),
        ('durability = "x"', "line 1: durability must be 'fsync' or 'write' or 'memory', not 'x'"),
        ('[auth]\nbackends = ["ldap"]', "line 2: auth.backends must be 'internal' or 'http', not 'ldap'"),
        (
            '[log]\nlevels = {amqp = "loud"}',
            "line 2: log.levels.amqp must be 'debug' or 'info' or 'notice' or 'warning' or 'error' or 'critical' "
            "or 'none', not 'loud'",
        ),
        ("[log]\nlevels = {amqp = 1}", "line 2: log.levels.amqp must be text, not 1"),
        ('listeners = "amqp://h"', "line 1: listeners must be a list, not 'amqp://h'"),
        ("listeners = [1]", "line 1: listeners must be text, not 1"),
        ("listeners = []", "line 1: listeners must name at least one address"),
        (
            'listeners = ["amqp://"]',
            "line 1: listeners has a listener 'amqp://' without a host; 0.0.0.0 stands for every IPv4 address",
        ),
        (
            'listeners = ["amqp://a:70000"]',
            "line 1: listeners has a listener that is not a URL: 'amqp://a:70000' (Port out of range 0-65535)",
        ),
        (
            'listeners = ["amqp://u@127.0.0.1/x"]',
            "line 1: listeners has a listener 'amqp://u@127.0.0.1/x' with more than a scheme, a host and a port",
        ),
        (
            'listeners = ["amqp://0.0.0.0"]',
            "line 1: amqp://0.0.0.0 can be reached from other machines "
            "without TLS; use amqps or set security.allow_insecure = true",
        ),
        ('listeners = ["amqps://[::1]"]', "line 1: amqps://[::1] needs tls.certificate and tls.key"),
        (
            'listeners = ["amqp://[::1]", "amqp://[::1]:5672"]',
            "line 1: listeners has the address of amqp://[::1] twice",
        ),
        ("[mqtt]\nanonymous_fallback = true", "line 2: mqtt.anonymous_fallback needs mqtt.anonymous_user"),
        ('[tls]\nkey = "k"', "line 1: tls.certificate and tls.key belong together: give both or none"),
        ('[tls]\nverify = "required"', "line 2: tls.verify = 'required' needs tls.client_ca"),
        (
            '[proxy_protocol]\nsources = ["10.0.0.1/8"]',
            "line 2: proxy_protocol.sources has '10.0.0.1/8', which is not a network such as 10.0.0.0/8",
        ),
        *(
            (
                f'[websocket]\norigins = ["{text}"]',
                f"line 2: websocket.origins has {text!r}, which is not an origin such as https://shop.example:8443",
            )
            for text in ("shop.example", "*", "https://", "https://a.example/", "https://u@a.example", "http://[::1")
        ),
        ('[[users]]\nname = "a"\n', "line 1: user 'a' needs a password or a password_hash that is not empty"),
        (
            '[[users]]\nname = "a"\npassword = ""\n',
            "line 1: user 'a' needs a password or a password_hash that is not empty",
        ),
        (
            '[[users]]\nname = "a"\npassword = "x"\npassword_hash = "x"',
            "line 1: user 'a' has a password and a password_hash; give one",
        ),
        (
            '[[users]]\nname = "a"\npassword = "x"\n\n[[users]]\nname = "a"\npassword = "y"',
            "line 5: there are two users named 'a'",
        ),
        (
            '[[users]]\nname = "a"\npassword = "x"\n[[users.permissions]]\n[[users.permissions]]\nreed = ""',
            "line 6: there is no option users.permissions.reed; did you mean read?",
        ),
        ('[[users]]\npassword = "x"', "line 1: a user needs a name"),
        (
            f'[[users]]\nname = "a"\npassword = ""\n{KEY.format("A" * 16)}',
            "line 1: user 'a' needs a password or a password_hash that is not empty",
        ),
        (
            USER.format("a") + KEY.format("A" * 15),
            "line 5: users.access_keys.id must be 16 to 128 letters, digits or underscores, not 'AAAAAAAAAAAAAAA'",
        ),
        (
            USER.format("a") + KEY.format("ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ"),
            "line 5: users.access_keys.id must be 16 to 128 letters, digits or underscores, not 'ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ'",
        ),
        (
            USER.format("a") + '[[users.access_keys]]\nsecret = ""',
            "line 5: users.access_keys.secret must not be empty",
        ),
        (
            USER.format("a") + f'[[users.access_keys]]\nid = "{"A" * 16}"',
            "line 1: an access key needs an id and a secret",
        ),
        (
            USER.format("a") + KEY.format("A" * 16) + 'account = "1"',
            "line 7: users.access_keys.account must be 12 digits, not '1'",
        ),
        (
            USER.format("a") + KEY.format("A" * 16) + USER.format("b") + KEY.format("A" * 16),
            "line 7: there are two access keys with the id 'AAAAAAAAAAAAAAAA'",
        ),
        ('[aws]\nauth = "none"', "line 2: aws.auth must be 'sigv4' or 'any', not 'none'"),
        ('[aws]\naccount = "12345678901"', "line 2: aws.account must be 12 digits, not '12345678901'"),
        ('[aws]\nregion = "EU"', "line 2: aws.region must be a region such as us-east-1, not 'EU'"),
        ("[aws]\nclock_skew_s = 0", "line 2: aws.clock_skew_s must be at least 1, not 0"),
        ('[[aws.accounts]]\nid = "111122223333"', "line 1: an account of aws needs an id and a vhost"),
        (
            2 * '[[aws.accounts]]\nid = "111122223333"\nvhost = "v"\n',
            "line 4: there are two accounts with the id '111122223333'",
        ),
        ("[[aws.queues]]", "line 1: a queue of aws needs a name"),
        (
            '[[aws.queues]]\nname = "a.b"',
            "line 2: aws.queues.name must be 1 to 80 letters, digits, - or _, of which .fifo may be the end, not 'a.b'",
        ),
        (
            '[[aws.queues]]\nname = "q"\n[[aws.queues]]\nname = "q"\nregion = "us-east-1"',
            "line 3: there are two queues '000000000000:us-east-1:q'",
        ),
        ('[[aws.queues]]\nattributes = "x"', "line 2: aws.queues.attributes must be a table, not 'x'"),
        (
            "[[aws.queues]]\nattributes = { VisibilityTimeout = 60 }",
            "line 2: aws.queues.attributes.VisibilityTimeout must be text, not 60",
        ),
        (
            'listeners = ["awss://0.0.0.0"]\n[tls]\ncertificate = "c"\nkey = "k"\n[aws]\nauth = "any"',
            "line 6: aws.auth = 'any' lets anyone in who reaches awss://0.0.0.0; "
            "use 'sigv4' or set security.allow_insecure = true",
        ),
        ("[[vhosts]]", "line 1: a vhost needs a name"),
        ("a = 1\nb = \n", "line 2: is not TOML: Invalid value"),
        ('a = """', "line 1: is not TOML: Unterminated string"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    assert error_of(tmp_path, text) == sentence


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: cannot be read: No such file or directory$"):
        load_config(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_one_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 5\)$"):
        load_config(path)


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.chmod(0o620)
    with pytest.raises(ConfigError, match="others than its owner may write to it; run: chmod go-w"):
        load_config(path)


def test_plain_listeners_on_other_addresses_are_allowed_by_setting(tmp_path: Path) -> None:
    text = 'listeners = ["amqp://0.0.0.0", "amqp://[::]:5673"]\n[security]\nallow_insecure = true\n'
    listeners = load_config(write(tmp_path, text)).listeners
    assert [(listener.host, listener.port) for listener in listeners] == [("0.0.0.0", 5672), ("::", 5673)]


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("amqp://localhost", True),
        ("amqp://127.9.9.9", True),
        ("amqp://[::1]", True),
        ("amqp://0.0.0.0", False),
        ("amqp://[::]", False),
        ("amqp://broker.example", False),
    ],
)
def test_only_addresses_of_this_machine_count_as_loopback(url: str, is_loopback: bool) -> None:
    assert parse_listener(url).is_loopback is is_loopback


def test_secrets_are_not_shown() -> None:
    keys = (AccessKeyDefinition("AKIAIOSFODNN7EXAMPLE", "hunter2"),)
    user = UserDefinition("a", password="hunter2", password_hash="hunter2", access_keys=keys)
    assert "AKIAIOSFODNN7EXAMPLE" in repr(user)
    assert "hunter2" not in repr(user)


def test_every_option_has_help_and_an_environment_variable_of_its_own() -> None:
    options = list(all_options(Config))
    assert all(option.rules.help.endswith(".") for option in options)
    assert len({option.environment_variable for option in options}) == len(options)
    assert table_kind(next(field for field in Config.__dataclass_fields__.values() if field.name == "users"))


def test_the_line_of_a_quoted_or_dotted_key_is_found() -> None:
    lines = key_lines('"a" = 1\n[b.c]\n"d e" = 1\nf . g = 2\n[[h]]\n[[h]]\n[h.i]\nj = 1\n')
    assert lines[("a",)] == 1
    assert lines[("b", "c", "d e")] == 3
    assert lines[("b", "c", "f", "g")] == 4
    assert lines[("h", 1, "i", "j")] == 8


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_files_of_a_pair_load(tmp_path: Path, name: str) -> None:
    """An option that was renamed stayed in the example of a pair."""
    config = load_config(write(tmp_path, (EXAMPLE.parent / f"pair-{name}.toml").read_text()))
    assert config.pair.node == name
    assert config.pair.founds is (name == "a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('durability = "memory"\n[pair]\nnode = "a"', "durability cannot be memory"),
        ('[pair]\nnode = "a"\nlisten = "0.0.0.0:5670"', "needs pair.certificate, pair.key and pair.ca"),
        ('[pair]\nnode = "a"\ncertificate = "x.pem"', "belong together"),
        ('[pair]\nnode = "a"\nelection = "postgresql"', "needs a postgresql:// URL"),
        ('[pair]\nlisten = "nowhere"', "which is not an address such as 10.0.0.1:5670"),
    ],
)
def test_a_pair_that_could_not_work_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in error_of(tmp_path, text)
