"""One checked `Config` out of everything that was given, with the rules that concern more than one option.

Knows no command line and reads no environment of its own: both are arguments.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mqbroker.config.listener import SCHEMES, Listener
from mqbroker.config.reader import Reader
from mqbroker.config.sections import DEFAULT_LISTENERS, Config, UserDefinition
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
    # Identity, not equality: whoever writes the default out means exactly that.
    if config.dev and config.listeners is DEFAULT_LISTENERS:
        config = replace(config, listeners=DEV_LISTENERS)
    for place, reason in _contradictions(config):
        raise ConfigError(f"{file.place(place)}: {reason}" if file.name else reason)
    return config


def _contradictions(config: Config) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield from _listener_contradictions(config)
    yield from _tls_contradictions(config)
    yield from _definition_contradictions(config)


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


def _user_contradiction(user: UserDefinition) -> str:
    if not user.name:
        return "a user needs a name"
    # CVE-2016-9877: an absent or empty password must never let anyone in.
    if not user.password and not user.password_hash:
        return f"user {user.name!r} needs a password or a password_hash that is not empty"
    if user.password is not None and user.password_hash is not None:
        return f"user {user.name!r} has a password and a password_hash; give one"
    return ""
