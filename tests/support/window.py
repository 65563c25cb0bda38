"""How much of each queue the brokers of a test run keep in memory.

With `MQBROKER_JOURNAL_QUEUE_WINDOW=1` every test of queues runs with paged queues: brokers of their own process read
that variable by themselves, and those that a test makes in its own process are made with this.
"""

import os

WINDOW = int(os.environ.get("MQBROKER_JOURNAL_QUEUE_WINDOW", "0"))
