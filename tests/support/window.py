"""How much of each queue the brokers of a test run keep in memory.

With `MQBROKER_JOURNAL_QUEUE_WINDOW=1` every test of queues runs with paged queues: brokers of their own process read
that variable by themselves, and those that a test makes in its own process are made with this.
"""

import os

import pytest

WINDOW = int(os.environ.get("MQBROKER_JOURNAL_QUEUE_WINDOW", "0"))
IN_MEMORY = pytest.mark.skipif(WINDOW > 0, reason="whose turn it is depends on when a page comes")
