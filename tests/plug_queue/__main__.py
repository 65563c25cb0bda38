"""The broker with one kind of queue more."""

from mqbroker.cli import main
from mqbroker.core.queues.kinds import register
from tests.plug_queue.newest import KIND

register(KIND)
main()
