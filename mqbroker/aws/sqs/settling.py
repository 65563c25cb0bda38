"""DeleteMessage and ChangeMessageVisibility, single and in batches: what a client does with a receipt handle."""

from collections.abc import Mapping
from typing import Any

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.parameters import missing_parameter
from mqbroker.aws.limits import SQS_VISIBILITY_S_MAX
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.batches import check_batch, run_batch
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.receipts import Receipt, read_handle
from mqbroker.aws.sqs.service import SqsService
from mqbroker.core.message import Entry
from mqbroker.errors import AwsError

_NOT_IN_FLIGHT = "Message does not exist or is not available for visibility timeout change."
_BEYOND_LIMIT = f"Total VisibilityTimeout for the message is beyond the limit [{SQS_VISIBILITY_S_MAX} seconds]."


def _receipt(queue: SqsQueue, handle: str) -> Receipt:
    receipt = read_handle(handle)
    if receipt is None:
        raise refusals.receipt_handle_is_invalid(handle)
    if receipt.queue_key != queue.key:
        raise refusals.receipt_handle_is_of_another_queue(handle)
    return receipt


def _is_current(queue: SqsQueue, entry: Entry, receipt: Receipt) -> bool:
    """Whether the handle is that of the receive which the message is in flight for."""
    return queue.core.lines.is_in_flight(entry) and entry.attempts == receipt.attempts


class SettleActions:
    """The actions that end or prolong what a receive began."""

    def __init__(self, service: SqsService) -> None:
        self._service = service

    # --- deleting ---------------------------------------------------------------------------------------------------

    def delete_message(self, call: Call) -> None:
        """DeleteMessage."""
        queue = self._service.queue_of(call)
        handle = call.parameters["ReceiptHandle"]
        if not self._delete(queue, handle, call.now):
            raise refusals.receipt_handle_has_expired(handle)
        call.answer_when_safe(self._service.ledger)

    def delete_message_batch(self, call: Call) -> None:
        """DeleteMessageBatch."""
        queue = self._service.queue_of(call)
        entries = call.parameters["Entries"]
        check_batch(entries, "DeleteMessageBatchRequestEntry")

        def delete(entry: Mapping[str, Any]) -> dict[str, object]:
            if not self._delete(queue, entry["ReceiptHandle"], call.now):
                raise AwsError("ReceiptHandleIsInvalid", "The receipt handle has expired")
            return {}

        call.answer_when_safe(self._service.ledger, run_batch(entries, delete))

    def _delete(self, queue: SqsQueue, handle: str, now: int) -> bool:
        """Deletes a message. One that is gone already is deleted. False when the handle has expired.

        On a standard queue any handle that the message ever had will do; on a FIFO queue only the last one, and only
        while the message is in flight.
        """
        receipt = _receipt(queue, handle)
        entry = queue.core.find(receipt.sequence)
        if entry is None:
            return True
        if queue.is_fifo and not _is_current(queue, entry, receipt):
            return False
        queue.core.delete(entry, now)
        return True

    # --- visibility -------------------------------------------------------------------------------------------------

    def change_message_visibility(self, call: Call) -> None:
        """ChangeMessageVisibility."""
        queue = self._service.queue_of(call)
        given = call.parameters
        self._change(queue, given["ReceiptHandle"], given["VisibilityTimeout"], call.now)
        call.answer_when_safe(self._service.ledger)

    def change_message_visibility_batch(self, call: Call) -> None:
        """ChangeMessageVisibilityBatch."""
        queue = self._service.queue_of(call)
        entries = call.parameters["Entries"]
        check_batch(entries, "ChangeMessageVisibilityBatchRequestEntry")

        def change(entry: Mapping[str, Any]) -> dict[str, object]:
            if "VisibilityTimeout" not in entry:
                raise missing_parameter("VisibilityTimeout")
            self._change(queue, entry["ReceiptHandle"], entry["VisibilityTimeout"], call.now)
            return {}

        call.answer_when_safe(self._service.ledger, run_batch(entries, change))

    def _change(self, queue: SqsQueue, handle: str, visibility_s: int, now: int) -> None:
        """Changes until when a message is in flight.

        On a standard queue any handle that the message ever had will do, and one that is visible again stays so; on a
        FIFO queue only the last one, and only while the message is in flight.
        """
        if not 0 <= visibility_s <= SQS_VISIBILITY_S_MAX:
            raise refusals.invalid_parameter(
                visibility_s, "VisibilityTimeout", f"Must be between 0 and {SQS_VISIBILITY_S_MAX}, if provided."
            )
        receipt = _receipt(queue, handle)
        entry = queue.core.find(receipt.sequence)
        if entry is None or (queue.is_fifo and not _is_current(queue, entry, receipt)):
            raise refusals.invalid_parameter(handle, "ReceiptHandle", _NOT_IN_FLIGHT)
        if now + visibility_s * 1000 - receipt.received_at > SQS_VISIBILITY_S_MAX * 1000:
            raise refusals.invalid_parameter(visibility_s, "VisibilityTimeout", _BEYOND_LIMIT)
        queue.core.change_visibility(entry, visibility_s * 1000, now)
