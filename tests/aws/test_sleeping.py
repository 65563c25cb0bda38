"""The services that are asleep, and are woken by what the journal has."""

from mqbroker.aws.sleeping import SleepingSpeaker
from mqbroker.core import definitions
from mqbroker.protocols.protocol import Speaker


class Noting(Speaker):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def stop(self) -> None:
        self.told.append("stop")

    async def close(self) -> None:
        self.told.append("close")


async def test_what_was_woken_is_closed() -> None:
    """Connections to push services stayed open, with a warning for each, where the journal had woken the services."""
    awake = Noting()
    speaker = SleepingSpeaker(frozenset(("thing",)), lambda: awake)
    speaker.stop()
    await speaker.close()
    speaker.restore({definitions.key("thing", "a"): b""}, 0)
    speaker.stop()
    await speaker.close()
    assert awake.told == ["stop", "close"]
