"""Subscriptions of delivery streams: records that are written together, one a line, to files or to a bucket of S3.

<folder>/<stream>/<YYYY>/<MM>/<DD>/<HH>.jsonl                                     a file for each hour of each stream
<bucket>/<stream>/<YYYY>/<MM>/<DD>/<HH>/<stream>-<YYYY>-<MM>-<DD>-<HH>-<MM>-<SS>-<UUID>        an object for each batch
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from mqbroker.aws.sns.delivery_policy import MANAGED
from mqbroker.aws.sns.lane_target import LaneTarget, Means
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.s3 import Bucket
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.core.vhost import VHost
from mqbroker.delivery.batches import Batches
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.lane import Workshop
from mqbroker.delivery.limits import STREAM_MOST

_OK = 200


class Streams:
    """Where streams are kept: in a bucket, in a folder, or nowhere."""

    def __init__(self, folder: str, bucket: Bucket | None, wait_s: float, size_max: int) -> None:
        """An object is written to the bucket after so many seconds, or with so many octets; to a file at once."""
        self._folder = folder
        self._bucket = bucket
        self._wait_s = wait_s if bucket is not None else 0.0
        self._size_max = size_max

    def batches(self, stream: str, shop: Workshop) -> Batches:
        """What is written together to a stream."""
        return Batches(lambda records: self.write(stream, records), self._wait_s, self._size_max, shop)

    async def write(self, stream: str, records: list[bytes]) -> int:
        """Writes records of a stream. Raises DeliveryFailed."""
        at, data = datetime.now(UTC), b"".join(record + b"\n" for record in records)
        hour = f"{stream}/{at:%Y/%m/%d/%H}"
        if self._bucket is not None:
            return await self._bucket.put(f"{hour}/{stream}-{at:%Y-%m-%d-%H-%M-%S}-{uuid4()}", data, at)
        if not self._folder:
            text = "streams are not configured (aws.sns.firehose_dir, aws.sns.firehose_url)"
            raise DeliveryFailed(text, is_permanent=True)
        try:
            await asyncio.get_running_loop().run_in_executor(None, _append, Path(self._folder, f"{hour}.jsonl"), data)
        except OSError as error:
            raise DeliveryFailed(str(error)) from None
        return _OK


class FirehoseTarget(LaneTarget):
    """A delivery stream."""

    plan = MANAGED
    most = least = STREAM_MOST  # a batch takes no more room than a record does

    __slots__ = ("_batches",)

    def __init__(self, subscription: Subscription, vhost: VHost, means: Means, streams: Streams) -> None:
        LaneTarget.__init__(self, subscription, vhost, means)
        self._batches = streams.batches(subscription.endpoint.rpartition("/")[2], means.shop)

    async def transmit(self, properties: SnsProperties, content: bytes, _attempt: int) -> int:
        """Overrides LaneTarget's."""
        return await self._batches.add(content if self.subscription.is_raw else self._record(properties, content))

    def _record(self, properties: SnsProperties, content: bytes) -> bytes:
        """The envelope on one line."""
        return b" ".join(line.strip() for line in self.envelope(properties, content).splitlines())


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(data)
