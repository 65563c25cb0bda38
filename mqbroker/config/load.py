"""One checked `Config` out of everything that was given, with the rules that concern more than one option.

Knows no command line and reads no environment of its own: both are arguments.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from mqbroker.config.addresses import LOOPBACK, Address
from mqbroker.config.composition import config_kind, listener_parser, schemes_of
from mqbroker.config.extension import Extension
from mqbroker.config.listener import Listener
from mqbroker.config.reader import Reader
from mqbroker.config.sections import Config, UserDefinition
from mqbroker.config.sources import EnvironmentSource, FileSource, FlagSource, KeyPath, read_file
from mqbroker.errors import ConfigError


def development_listeners(extensions: Sequence[Extension]) -> tuple[Listener, ...]:
    """What `--dev` listens on when nothing else is said; ::1 only on machines that have it."""
    parse = listener_parser(extensions)
    return tuple(
        replace(parse(url), is_optional="[" in url)
        for scheme in schemes_of(extensions)
        for url in (f"{scheme.name}://127.0.0.1", f"{scheme.name}://[::1]")
    )


def load_config(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    extensions: tuple[Extension, ...] = (),
) -> Config:
    """Reads and checks the configuration. `flags` maps option paths such as "data_dir" to values; None is not given.
    `extensions` are the protocols.

    Raises ConfigError, whose text names the file and line, the variable or the flag.
    """
    file = FileSource("", "") if path is None else read_file(path)
    reader = Reader(FlagSource(flags or {}), EnvironmentSource(environment or {}), file)
    config = reader.read(config_kind(extensions))
    if config.dev:
        config = _for_development(config, reader.given, extensions)
    for each in extensions:
        config = each.adjust(config, reader.given)
    for place, reason in _contradictions(config, extensions):
        raise ConfigError(f"{file.place(place)}: {reason}" if file.name else reason)
    return config


def _for_development(config: Config, given: Set[tuple[str, ...]], extensions: Sequence[Extension]) -> Config:
    # Whoever writes a default out means exactly that.
    if ("listeners",) not in given:
        config = replace(config, listeners=development_listeners(extensions))
    # A browser lets any page send requests to this machine, where the password is known.
    if ("websocket", "origins") not in given:
        config = replace(config, websocket=replace(config.websocket, origins=(LOOPBACK,)))
    return config


def _contradictions(config: Config, extensions: Sequence[Extension]) -> Iterator[tuple[KeyPath, str]]:
    yield from _listener_contradictions(config)
    yield from _tls_contradictions(config)
    yield from _pair_contradictions(config)
    yield from _definition_contradictions(config)
    yield from _auth_contradictions(config)
    for each in extensions:
        yield from each.contradictions(config)


def _listener_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
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


def _tls_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    tls = config.tls
    if (tls.certificate is None) is not (tls.key is None):
        yield ("tls",), "tls.certificate and tls.key belong together: give both or none"
    if tls.verify != "none" and tls.client_ca is None and not config.dev:
        yield ("tls", "verify"), f"tls.verify = {tls.verify!r} needs tls.client_ca"
    needs_certificate = [listener.url for listener in config.listeners if listener.is_tls]
    if needs_certificate and tls.certificate is None and not config.dev:
        yield ("listeners",), f"{needs_certificate[0]} needs tls.certificate and tls.key"


def _auth_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    backends, http = config.auth.backends, config.auth.http
    if not backends or len(set(backends)) < len(backends):
        yield ("auth", "backends"), "auth.backends must name each source of users once, and one at least"
    if "http" in backends and not http.user_path.startswith(("http://", "https://")):
        yield ("auth", "http"), "auth.backends names http, so auth.http.user_path must be a URL of HTTP"
    if "http" in backends and not http.like:
        yield ("auth", "http"), "auth.http.like must name the user whose permissions users of the service have"


def _pair_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    pair = config.pair
    if not pair.node:
        return
    if config.durability == "memory":
        yield ("durability",), "a pair copies the journal, so durability cannot be memory"
    files = (pair.certificate, pair.key, pair.ca)
    if any(files) and not all(files):
        yield ("pair",), "pair.certificate, pair.key and pair.ca belong together: give all or none"
    if not all(files) and not pair.listen.is_loopback:
        yield ("pair", "listen"), f"pair.listen = {pair.listen} needs pair.certificate, pair.key and pair.ca"
    if pair.election == "postgresql" and not all(each.startswith("postgres") for each in pair.election_urls):
        yield ("pair", "election_urls"), "pair.election = 'postgresql' needs a postgresql:// URL in pair.election_urls"
    if pair.election == "manual" and not all(map(_is_address, pair.election_urls)):
        reason = "pair.election = 'manual' needs the link addresses of all nodes, such as b.example:5670"
        yield ("pair", "election_urls"), reason


def _is_address(text: str) -> bool:
    try:
        Address.parse(text)
    except ValueError:
        return False
    return True


def _definition_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
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
    yield from _access_key_contradictions(config)
    if bool(config.default_user) is not bool(config.default_pass):
        yield ("default_user",), "default_user and default_pass belong together: give both or none"


def _vhost_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    vhosts = {config.default_vhost, *(vhost.name for vhost in config.vhosts)}
    for number, user in enumerate(config.users):
        for each, permission in enumerate(user.permissions):
            if permission.vhost not in vhosts:
                text = f"user {user.name!r} has a permission in vhost {permission.vhost!r}, which is not defined"
                yield ("users", number, "permissions", each, "vhost"), f"{text}: name it in [[vhosts]]"


def _access_key_contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    keys = [(number, key) for number, user in enumerate(config.users) for key in user.access_keys]
    for place, (number, key) in enumerate(keys):
        if not (key.id and key.secret):
            yield ("users", number), "an access key needs an id and a secret"
        if key.id in [other.id for _, other in keys[:place]]:
            yield ("users", number), f"there are two access keys with the id {key.id!r}"


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
