"""Amazon SQS: its 23 actions on polled queues of the core."""
