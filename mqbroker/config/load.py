"""One checked `Config` out of everything that was given, with the rules that concern more than one option.

Knows no command line and reads no environment of its own: both are arguments.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from mqbroker.config.listener import SCHEMES, Listener
from mqbroker.config.reader import Reader
from mqbroker.config.sections import Config, UserDefinition
from mqbroker.config.sources import EnvironmentSource, FileSource, FlagSource, read_file
from mqbroker.errors import ConfigError

DEV_LISTENERS = tuple(
    replace(Listener.parse(url), is_optional="[" in url)
    for scheme in SCHEMES
    for url in (f"{scheme}://127.0.0.1", f"{scheme}://[::1]")
)
"""What `--dev` listens on when nothing else is said; ::1 only on machines that have it."""


def load_config(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Reads and checks the configuration. `flags` maps option paths such as "data_dir" to values; None is not given.

    Raises ConfigError, whose text names the file and line, the variable or the flag.
    """
    file = FileSource("", "") if path is None else read_file(path)
    reader = Reader(FlagSource(flags or {}), EnvironmentSource(environment or {}), file)
    config = reader.read(Config)
    if config.dev:
        config = _for_development(config, reader.given)
    for place, reason in _contradictions(config):
        raise ConfigError(f"{file.place(place)}: {reason}" if file.name else reason)
    return config


def _for_development(config: Config, given: Set[tuple[str, ...]]) -> Config:
    # Whoever writes a default out means exactly that.
    if ("listeners",) not in given:
        config = replace(config, listeners=DEV_LISTENERS)
    aws = config.aws
    if ("aws", "auth") not in given:
        aws = replace(aws, auth="any")
    if ("aws", "sqs_strict") not in given:
        aws = replace(aws, sqs_strict=False)
    return replace(config, aws=aws)


def _contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield from _listener_contradictions(config)
    yield from _tls_contradictions(config)
    yield from _mqtt_contradictions(config)
    yield from _definition_contradictions(config)
    yield from _aws_contradictions(config)


def _listener_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    place = ("listeners",)
    if not config.listeners:
        yield place, "listeners must name at least one address"
    addresses = [(listener.host, listener.port) for listener in config.listeners if listener.port]
    for listener in config.listeners:
        if addresses.count((listener.host, listener.port)) > 1:
            yield place, f"listeners has the address of {listener.url} twice"
        if not (listener.is_tls or listener.is_loopback or config.security.allow_insecure):
            reason = "can be reached from other machines without TLS"
            yield place, f"{listener.url} {reason}; use {listener.scheme}s or set security.allow_insecure = true"


def _tls_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    tls = config.tls
    if (tls.certificate is None) is not (tls.key is None):
        yield ("tls",), "tls.certificate and tls.key belong together: give both or none"
    if tls.verify != "none" and tls.client_ca is None and not config.dev:
        yield ("tls", "verify"), f"tls.verify = {tls.verify!r} needs tls.client_ca"
    needs_certificate = [listener.url for listener in config.listeners if listener.is_tls]
    if needs_certificate and tls.certificate is None and not config.dev:
        yield ("listeners",), f"{needs_certificate[0]} needs tls.certificate and tls.key"


def _mqtt_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if config.mqtt.anonymous_fallback and not (config.mqtt.anonymous_user or config.dev):
        yield ("mqtt", "anonymous_fallback"), "mqtt.anonymous_fallback needs mqtt.anonymous_user"


def _definition_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, user in enumerate(config.users):
        reason = _user_contradiction(user)
        if reason:
            yield ("users", number), reason
    names = [user.name for user in config.users]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield ("users", number), f"there are two users named {name!r}"
    for number, vhost in enumerate(config.vhosts):
        if not vhost.name:
            yield ("vhosts", number), "a vhost needs a name"
    yield from _vhost_contradictions(config)
    if bool(config.default_user) is not bool(config.default_pass):
        yield ("default_user",), "default_user and default_pass belong together: give both or none"


def _vhost_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    vhosts = {config.default_vhost, *(vhost.name for vhost in config.vhosts)}
    for number, user in enumerate(config.users):
        for each, permission in enumerate(user.permissions):
            if permission.vhost not in vhosts:
                text = f"user {user.name!r} has a permission in vhost {permission.vhost!r}, which is not defined"
                yield ("users", number, "permissions", each, "vhost"), f"{text}: name it in [[vhosts]]"


def _aws_contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    aws = config.aws
    if aws.auth == "any" and not config.security.allow_insecure:
        for listener in config.listeners:
            if listener.scheme in ("aws", "awss") and not listener.is_loopback:
                reason = f"aws.auth = 'any' lets anyone in who reaches {listener.url}"
                yield ("aws", "auth"), f"{reason}; use 'sigv4' or set security.allow_insecure = true"
    for number, account in enumerate(aws.accounts):
        if not (account.id and account.vhost):
            yield ("aws", "accounts", number), "an account of aws needs an id and a vhost"
    yield from _twice("accounts with the id", ("aws", "accounts"), [account.id for account in aws.accounts])
    for number, queue in enumerate(aws.queues):
        if not queue.name:
            yield ("aws", "queues", number), "a queue of aws needs a name"
    places = [(queue.account or aws.account, queue.region or aws.region, queue.name) for queue in aws.queues]
    yield from _twice("queues", ("aws", "queues"), [":".join(place) for place in places])
    keys = [(number, key) for number, user in enumerate(config.users) for key in user.access_keys]
    for place, (number, key) in enumerate(keys):
        if not (key.id and key.secret):
            yield ("users", number), "an access key needs an id and a secret"
        if key.id in [other.id for _, other in keys[:place]]:
            yield ("users", number), f"there are two access keys with the id {key.id!r}"


def _twice(what: str, path: tuple[str, ...], names: list[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (*path, number), f"there are two {what} {name!r}"


def _user_contradiction(user: UserDefinition) -> str:
    if not user.name:
        return "a user needs a name"
    # CVE-2016-9877: an absent or empty password must never let anyone in. Who has access keys may do without one.
    is_silent = user.password is None and user.password_hash is None
    if not user.password and not user.password_hash and not (is_silent and user.access_keys):
        return f"user {user.name!r} needs a password or a password_hash that is not empty"
    if user.password is not None and user.password_hash is not None:
        return f"user {user.name!r} has a password and a password_hash; give one"
    return ""
