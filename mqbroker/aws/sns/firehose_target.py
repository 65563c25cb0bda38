"""Subscriptions of delivery streams: records are appended to files, one a line, a file for each hour of each stream.

<folder>/<stream>/<YYYY>/<MM>/<DD>/<HH>.jsonl
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from mqbroker.aws.sns.delivery_policy import MANAGED
from mqbroker.aws.sns.lane_target import LaneTarget, Means
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.core.vhost import VHost
from mqbroker.delivery.errors import DeliveryFailed

_OK = 200


class FirehoseTarget(LaneTarget):
    """A delivery stream."""

    plan = MANAGED

    __slots__ = ("_folder",)

    def __init__(self, subscription: Subscription, vhost: VHost, means: Means, folder: str) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._folder = folder

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        if not self._folder:
            raise DeliveryFailed("streams are not configured (aws.sns.firehose_dir)", is_permanent=True)
        record = content if self.subscription.is_raw else self._record(properties, content)
        at = datetime.fromtimestamp(properties.notice["at"] / 1000, UTC)
        stream = self.subscription.endpoint.rpartition("/")[2]
        path = Path(self._folder) / stream / at.strftime("%Y/%m/%d/%H.jsonl")
        try:
            await asyncio.get_running_loop().run_in_executor(None, _append, path, record + b"\n")
        except OSError as error:
            raise DeliveryFailed(str(error)) from None
        return _OK

    def _record(self, properties: SnsProperties, content: bytes) -> bytes:
        """The envelope on one line."""
        return b" ".join(line.strip() for line in self.envelope(properties, content).splitlines())


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(data)
