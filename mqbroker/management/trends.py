"""Numbers of connections, channels and exchanges at the last looks, for their rates, and the past of what is charted.

There may be ten thousand connections, so they are looked at in slices, after the sampler's own look, and only while
somebody asks: a minute after the last question nobody looks any more. Of queues and connections whose samples are asked
for, the numbers of ten minutes are kept from the first question on: of all it would be more than the messages.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.recent import remember
from mqbroker.core.totals import flow_numbers
from mqbroker.management.limits import FOLLOWED_MAX, FOLLOWED_MS, FOLLOWED_SAMPLES, SLICE_ITEMS, TRENDS_MS
from mqbroker.protocols.services import Services

Numbers = Mapping[str, int]
History = deque[tuple[int, Numbers]]

CLIENTS = ""
"""The key of what all channels have counted together."""


class Look:
    """What was found at one time, by what it is about: a session, a session with the number of a channel, a `Flow`."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.numbers: dict[Hashable, Numbers] = {}


class Followed:
    """One thing whose past is kept."""

    def __init__(self, read: Callable[[], Numbers], now: int) -> None:
        self.read = read
        self.asked_at = now
        self.samples: History = deque([(now, read())], FOLLOWED_SAMPLES)


class Trends:
    """Of one broker."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._latest = self._previous = Look(0)
        self._asked_at = -TRENDS_MS
        self._task: asyncio.Task[None] | None = None
        self._followed: dict[Hashable, Followed] = {}

    @property
    def _broker(self) -> Broker:
        return self._services.broker

    @property
    def _clock(self) -> Clock:
        return self._services.clock

    def rates(self, key: Hashable) -> Mapping[str, float]:
        """How much each number has changed in a second between the last two looks; empty where there was none."""
        self._asked_at = self._clock.now()
        before, after = self._previous.numbers.get(key), self._latest.numbers.get(key)
        span_ms = self._latest.at_ms - self._previous.at_ms
        if before is None or after is None or span_ms <= 0:
            return {}
        return {name: (number - before.get(name, 0)) * 1000 / span_ms for name, number in after.items()}

    async def clients(self) -> Numbers:
        """What all channels have counted together, some seconds ago at most."""
        now = self._asked_at = self._clock.now()
        if now - self._latest.at_ms > TRENDS_MS or CLIENTS not in self._latest.numbers:
            await self._look()
        return self._latest.numbers[CLIENTS]

    def history(self, key: Hashable, read: Callable[[], Numbers]) -> list[tuple[int, Numbers]]:
        """The numbers of one thing, oldest first, from the first question on. `read` says what they are now."""
        now = self._clock.now()
        found = self._followed.pop(key, None) or Followed(read, now)
        remember(self._followed, key, found, FOLLOWED_MAX)
        found.asked_at = now
        return [*found.samples]

    # --- looking ------------------------------------------------------------------------------------------------------

    def sampled(self) -> None:
        """The sampler has looked: so do we."""
        now = self._clock.now()
        for key, followed in list(self._followed.items()):
            if now - followed.asked_at > FOLLOWED_MS:
                del self._followed[key]
            else:
                followed.samples.append((now, followed.read()))
        if now - self._asked_at >= TRENDS_MS:
            self._latest = self._previous = Look(0)  # which keeps no connection that has gone
        elif self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        found = Look(self._clock.now())
        clients = Counter(self._services.counted)
        for at, session in enumerate(self._services.registry.all(), 1):
            found.numbers[session] = {"octets_in": session.octets_in, "octets_out": session.octets_out}
            channels = session.describe().get("channels", ())
            for channel in channels if isinstance(channels, list) else ():
                add_channel(clients, channel)
                found.numbers[session, channel["number"]] = {name: channel[name] for name in CHANNEL_COUNTS}
            if at % SLICE_ITEMS == 0:
                await asyncio.sleep(0)
        for vhost in self._broker.vhosts.values():
            for flow in (vhost.default_flow, *(exchange.flow for exchange in vhost.exchanges.values())):
                found.numbers[flow] = flow_numbers(flow)
        found.numbers[CLIENTS] = clients
        self._previous, self._latest = self._latest, found

    def close(self) -> None:
        """Nobody looks any more."""
        if self._task is not None:
            self._task.cancel()


CHANNEL_COUNTS = ("publishes", "deliveries", "confirms", "returns")


def add_channel(found: Counter[str], channel: Mapping[str, Any]) -> None:
    """Adds what a channel says of itself. Of one that has ended, what it had counted is in what all had."""
    found["publishers"] += bool(channel["publishes"])
    found["channel_consumers"] += channel["consumers"]
    found["unacknowledged"] += channel["unacknowledged"]
    if not channel.get("has_ended"):
        owed = channel.get("to_confirm", 0)
        found["published"] += owed
        found["confirmed"] += channel["confirms"]
        found["returned"] += channel["returns"]
        found["unconfirmed"] += max(0, owed - channel["confirms"])
