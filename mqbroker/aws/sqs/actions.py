"""The 23 actions of SQS by name, and what keeps them: queues and tasks that come back after a restart."""

from collections.abc import Callable, Mapping

from mqbroker.aws.front.front import Handler
from mqbroker.aws.sqs.move_tasks import MoveActions
from mqbroker.aws.sqs.queue_actions import QueueActions
from mqbroker.aws.sqs.receiving import ReceiveActions
from mqbroker.aws.sqs.sending import SendActions
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs.settling import SettleActions


class SqsActions:
    """Everything that SQS does."""

    def __init__(self, service: SqsService, new_id: Callable[[], bytes]) -> None:
        """`new_id` returns the 16 octets of a new random UUID."""
        self._service = service
        self._queues = QueueActions(service)
        self._sending = SendActions(service, new_id)
        self._receiving = ReceiveActions(service)
        self._settling = SettleActions(service)
        self.moving = MoveActions(service, new_id)
        """The tasks that move messages."""

    def restore(self, definitions: Mapping[str, bytes], now: int) -> None:
        """Puts back the queues and move tasks that the journal kept."""
        self._service.queues.restore(definitions, now)
        self.moving.restore(definitions, now)

    def handlers(self) -> dict[str, Handler]:
        """What does each action."""
        queues, settling, moving = self._queues, self._settling, self.moving
        return {
            "AddPermission": queues.add_permission,
            "CancelMessageMoveTask": moving.cancel_message_move_task,
            "ChangeMessageVisibility": settling.change_message_visibility,
            "ChangeMessageVisibilityBatch": settling.change_message_visibility_batch,
            "CreateQueue": queues.create_queue,
            "DeleteMessage": settling.delete_message,
            "DeleteMessageBatch": settling.delete_message_batch,
            "DeleteQueue": queues.delete_queue,
            "GetQueueAttributes": queues.get_queue_attributes,
            "GetQueueUrl": queues.get_queue_url,
            "ListDeadLetterSourceQueues": queues.list_dead_letter_source_queues,
            "ListMessageMoveTasks": moving.list_message_move_tasks,
            "ListQueueTags": queues.list_queue_tags,
            "ListQueues": queues.list_queues,
            "PurgeQueue": queues.purge_queue,
            "ReceiveMessage": self._receiving.receive_message,
            "RemovePermission": queues.remove_permission,
            "SendMessage": self._sending.send_message,
            "SendMessageBatch": self._sending.send_message_batch,
            "SetQueueAttributes": queues.set_queue_attributes,
            "StartMessageMoveTask": moving.start_message_move_task,
            "TagQueue": queues.tag_queue,
            "UntagQueue": queues.untag_queue,
        }
