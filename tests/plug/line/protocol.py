"""The line protocol as the server knows it: two schemes, a section of the configuration, properties in the journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqbroker.config.listener import Scheme
from mqbroker.config.option import option
from mqbroker.config.sections import Config
from mqbroker.core.properties import Formats
from mqbroker.protocols.protocol import Protocol, Speaker

if TYPE_CHECKING:
    from mqbroker.config.sources import KeyPath
    from mqbroker.protocols.services import Services


@dataclass(frozen=True, slots=True)
class LineConfig:
    """[line]"""

    line_size_max: int = option(1024, "Largest line in bytes.", minimum=16, maximum=1 << 20)
    exchange: str = option("amq.topic", "The exchange that is published to and subscribed from.")


class LineProtocol(Protocol):
    """Its own ports."""

    name = "line"
    section = LineConfig
    schemes = (Scheme("line", 7411), Scheme("lines", 7412, is_tls=True))

    def contradictions(self, config: Config) -> Iterator[tuple["KeyPath", str]]:
        if not config.of(LineConfig).exchange:
            yield ("line", "exchange"), "line.exchange must not be empty"

    def formats(self) -> Formats:
        from tests.plug.line.properties import LINE, LineProperties

        return {LINE: LineProperties}

    def recognise(self, data: bytes) -> str:
        return "the line protocol" if data.startswith(b"LOGIN ") else ""

    def start(self, services: "Services", config: Config) -> Speaker:
        from tests.plug.line.session import LineSpeaker

        return LineSpeaker(services, config.of(LineConfig))
