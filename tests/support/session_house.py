"""A broker in this process without sockets, threads or a clock, for sessions of any protocol: its time passes when a
test says so. What operators set (limits, policies, permissions) is set on `broker`.
"""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from mqbroker.core.access.access import Permissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.session import Outbox, Session
from tests.support.output import all_output

START = 1_700_000_000_000


class Alarms:
    """What a test says is low."""

    def __init__(self) -> None:
        self.reason = ""


class Conversation(Protocol):
    """A client as the turns of the loop see it."""

    arrived: bytes

    @property
    def session(self) -> Session:
        """The broker's side of it."""


class SessionHouse:
    """One broker with the vhost `/` and the user guest, who may do everything."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.now = START
        names = count(1)
        self.broker = Broker(ledger or Ledger(), lambda: f"name{next(names)}")
        self.alarms = Alarms()
        self.outbox = Outbox(lambda: None)
        self.vhost = self.broker.add_vhost("/")
        self.add_user("guest")

    def conversations(self) -> Sequence[Conversation]:
        """Everybody who is connected. Overridden."""
        raise NotImplementedError

    def add_user(self, name: str, *tags: str, configure: str = ".*", write: str = ".*", read: str = ".*") -> None:
        """A user with permissions in the vhost `/`."""
        self.broker.put_user(name, "", tags)
        self.broker.set_permissions(name, "/", Permissions(configure, write, read))

    def pass_time(self, duration_ms: int, step_ms: int = 100) -> None:
        """Lets time pass in steps: deadlines of the core and of sessions are met at the end of the step."""
        end = self.now + duration_ms
        while self.now < end:
            self.now = min(end, self.now + step_ms)
            self.broker.advance(self.now)
            for each in self.conversations():
                session = each.session
                if not session.is_closing and 0 < session.deadline <= self.now:
                    session.tick(self.now)
            self.turn()

    def turn(self) -> None:
        """The end of a turn of the loop and of those that it leads to: what is done in portions goes on, batches are
        sealed, and everybody's output is taken."""
        broker = self.broker
        while broker.ledger.waiting or self.outbox.marked or broker.scheduler.round:
            broker.scheduler.finish(self.now)
            broker.ledger.seal()
            marked = self.outbox.take()
            for each in self.conversations():
                if each.session in marked:
                    each.arrived += all_output(each.session)
                    each.session.output_written(self.now)
