"""Ordinary AMQP 0-9-1 connections under the load loops: one that publishes, one that consumes.

Owns the set-up and the orderly end of those connections; the bytes in between are `amqp_records`.
"""

import socket

from pamqp import commands, frame

from bench.driver import amqp_records
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, CHANNEL, AmqpConnection, complete_frame_size, described
from bench.driver.confirms import ConfirmLedger
from bench.driver.dialect import Ledger
from bench.driver.jobs import ConsumeJob, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError


class AmqpPublishSide:
    """One publishing connection, in confirm mode when the job has a window."""

    def __init__(self, job: PublishJob) -> None:
        self._connection = AmqpConnection(job.endpoint)
        self.socket: socket.socket = self._connection.socket
        self.layout = amqp_records.publish_layout(job, self._connection.frame_size_bytes_max)
        self.ledger: Ledger | None = None
        if job.window:
            self._connection.call(commands.Confirm.Select())
            self.ledger = ConfirmLedger()

    def finish(self) -> None:
        """Close the connection and wait for the answer."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self._connection.close()


class AmqpConsumeSide:
    """One consuming connection: one channel, one consumer per queue. automatic: nothing is acknowledged."""

    numbered = True
    settles_by_content = False

    def __init__(self, job: ConsumeJob, subscription: Subscription, automatic: bool) -> None:
        self._job = job
        self._subscription = subscription
        self._connection = AmqpConnection(job.endpoint)
        self.socket: socket.socket = self._connection.socket
        if not automatic:
            self._connection.call(commands.Basic.Qos(prefetch_count=job.prefetch))
        for index, queue in enumerate(subscription.queues):
            tag = amqp_records.consumer_tag(index)
            self._connection.call(commands.Basic.Consume(queue=queue, consumer_tag=tag, no_ack=automatic))
        self.early = bytes(self._connection.buffer)
        self._connection.buffer.clear()

    def learn(self, data: bytes) -> RecordLayout | None:
        """The layout of the deliveries, from the first one."""
        return amqp_records.learn_layout(data, self._job, self._subscription)

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """One basic.ack for everything up to a delivery."""
        return amqp_records.ack_frame(upto)

    def explain(self, data: bytes) -> str:
        """The reason of a close that came instead of deliveries."""
        size = complete_frame_size(data)
        if size is None or data[0] != amqp_records.METHOD_FRAME or data[7:11] == amqp_records.DELIVER:
            return ""
        return f"the broker sent {described(frame.unmarshal(data[:size])[2])}"

    def finish(self) -> int:
        """Close the channel and count deliveries that still came before the answer."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.socket.sendall(frame.marshal(commands.Channel.Close(200, "done", 0, 0), CHANNEL))
        surplus = self._count_until_closed()
        self._connection.close()
        return surplus

    def _count_until_closed(self) -> int:
        surplus = 0
        buffer = self._connection.buffer
        while True:
            while (size := complete_frame_size(buffer)) is not None:
                decoded = frame.unmarshal(bytes(buffer[:size]))[2]
                del buffer[:size]
                if isinstance(decoded, commands.Channel.CloseOk):
                    return surplus
                surplus += isinstance(decoded, commands.Basic.Deliver)
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ProtocolError("the broker closed the connection before the channel")
            buffer += chunk
