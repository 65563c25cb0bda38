"""Puts the whole configuration together: what concerns the broker (sections.py), and what each protocol adds."""

from collections.abc import Callable, Sequence
from dataclasses import field, make_dataclass, replace
from functools import cache
from typing import Any

from mqbroker.config.extension import Extension
from mqbroker.config.listener import WEBSOCKET_SCHEMES, Listener, Scheme
from mqbroker.config.option import options_of, section
from mqbroker.config.sections import Config


def schemes_of(extensions: Sequence[Extension]) -> tuple[Scheme, ...]:
    """Every scheme that a listener may have: those that WebSockets carry stand beside WebSocket's own."""
    carried = [scheme for each in extensions if each.subprotocols for scheme in each.schemes]
    others = [scheme for each in extensions if not each.subprotocols for scheme in each.schemes]
    return (*carried, *(WEBSOCKET_SCHEMES if carried else ()), *others)


def listener_parser(extensions: Sequence[Extension]) -> Callable[[str], Listener]:
    """Makes a listener of a URL. Raises ValueError with the reason, which continues a sentence."""
    schemes = schemes_of(extensions)
    return lambda url: Listener.parse(url, schemes)


@cache
def config_kind(extensions: tuple[Extension, ...]) -> type[Config]:
    """The dataclass of a configuration with these extensions: a field for the section of each.

    A listener for the first of them is the default.
    """
    parse = listener_parser(extensions)
    plain, tls = _examples(schemes_of(extensions))
    rules = next(option.rules for option in options_of(Config) if option.path == ("listeners",))
    rules = replace(rules, help=f"Addresses to listen on, such as {plain} or {tls}.", parse=parse)
    listeners: Any = field(default=(parse(plain),), metadata={"rules": rules})
    sections = [(each.name, each.section, section(each.section)) for each in extensions if each.section is not None]
    added = [("listeners", tuple[Listener, ...], listeners), *sections]
    return make_dataclass("Config", added, bases=(Config,), frozen=True, slots=True)


def _examples(schemes: Sequence[Scheme]) -> tuple[str, str]:
    """A URL without TLS, and one with it."""
    plain, tls = (next(each for each in schemes if each.is_tls is is_tls) for is_tls in (False, True))
    return f"{plain.name}://127.0.0.1:{plain.default_port}", f"{tls.name}://[::1]:{tls.default_port}"
