"""The kinds of definitions in the journal that are those of SQS."""

QUEUE = "sqs-queue"
MOVE_TASK = "sqs-move-task"

KINDS = (QUEUE, MOVE_TASK)
