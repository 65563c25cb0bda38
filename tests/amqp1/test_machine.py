"""A session against a model: whatever a client does in whatever order, no message is lost, doubled or sent unasked.

The model knows what is in the queue, what the client holds, and how much credit each link has left.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mqbroker.protocols.amqp1.codec.messaging import Accepted, Modified, Rejected, Released, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach, Begin, Detach, Disposition, End, Flow, Transfer
from tests.amqp1.house import House
from tests.amqp1.raw import data, said

SENDER = 0
RECEIVERS = (1, 2)
WINDOW = 1000


class SessionMachine(RuleBasedStateMachine):
    """One client with a sender and two receivers on one queue."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(link_credit=6)
        self.client = self.house.open()
        self.attached: set[int] = set()
        self.sent = 0
        self.gone = 0
        """Messages that are settled for good."""
        self.held: dict[int, int] = {}
        """By delivery-id: the link."""
        self.credit: dict[int, int] = {}
        self.counts: dict[int, int] = {}
        self.send_credit = 0
        self.next_send = 0
        self.next_id = 0
        self.unanswered: set[int] = set()
        self.attach(SENDER)

    # --- what comes -------------------------------------------------------------------------------------------------

    def hear(self) -> list[Any]:
        others = []
        for value, _ in self.client.frames():
            if isinstance(value, Transfer):
                assert value.delivery_id == self.next_id
                self.next_id += 1
                assert self.credit[value.handle] > 0, "a delivery without credit"
                self.credit[value.handle] -= 1
                self.counts[value.handle] += 1
                self.held[value.delivery_id] = value.handle
            elif isinstance(value, Flow) and value.handle == SENDER:
                self.send_credit = value.link_credit or 0
            elif isinstance(value, Flow) and value.handle in self.credit and value.drain:
                assert value.delivery_count == self.counts[value.handle] + self.credit[value.handle]
                self.counts[value.handle] = value.delivery_count or 0
                self.credit[value.handle] = value.link_credit or 0
            elif isinstance(value, Disposition) and value.role:
                assert isinstance(value.state, Accepted)
                last = value.first if value.last is None else value.last
                self.unanswered -= set(range(value.first, last + 1))
            else:
                others.append(value)
        return others

    def say(self, value: Any, payload: bytes = b"") -> list[Any]:
        self.client.receive(said(value, payload))
        return self.hear()

    # --- what the client does ---------------------------------------------------------------------------------------

    @rule(handle=st.sampled_from((SENDER, *RECEIVERS)))
    def attach(self, handle: int) -> None:
        if handle in self.attached:
            return
        self.attached.add(handle)
        if handle == SENDER:
            value = Attach("s", SENDER, False, source=Source(), target=Target("/queue/q"), initial_delivery_count=0)
        else:
            self.credit[handle] = self.counts[handle] = 0
            value = Attach(f"r{handle}", handle, True, source=Source("/queue/q"), target=Target())
        assert [type(each) for each in self.say(value)] == [Attach]

    @precondition(lambda self: SENDER in self.attached and self.send_credit > 0)
    @rule(settled=st.booleans(), parts=st.integers(1, 3))
    def send(self, settled: bool, parts: int) -> None:
        payload = data(b"%d" % self.sent)
        number, self.next_send = self.next_send, self.next_send + 1
        self.send_credit -= 1
        self.sent += 1
        if not settled:
            self.unanswered.add(number)
        size = -(-len(payload) // parts)
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
        for at, piece in enumerate(pieces):
            assert self.say(Transfer(SENDER, number, b"t", 0, settled, at + 1 < len(pieces)), piece) == []
        assert number not in self.unanswered

    @precondition(lambda self: SENDER in self.attached and self.send_credit > 0)
    @rule()
    def abort(self) -> None:
        number, self.next_send = self.next_send, self.next_send + 1
        self.send_credit -= 1
        assert self.say(Transfer(SENDER, number, b"t", 0, True, True), b"\x00\x53") == []
        assert self.say(Transfer(SENDER, number, aborted=True)) == []

    @rule(handle=st.sampled_from(RECEIVERS), credit=st.integers(0, 5), drain=st.booleans())
    def grant(self, handle: int, credit: int, drain: bool) -> None:
        if handle not in self.attached:
            return
        self.credit[handle] = credit
        flow = Flow(self.next_id, WINDOW, 0, WINDOW, handle, self.counts[handle], credit, drain=drain)
        assert self.say(flow) == []
        assert not drain or self.credit[handle] == 0

    @rule(
        choice=st.randoms(use_true_random=False),
        many=st.integers(1, 4),
        state=st.sampled_from([Accepted(), Released(), Rejected(), Modified(True), Modified(False, True)]),
        settled=st.booleans(),
    )
    def settle(self, choice: Any, many: int, state: Any, settled: bool) -> None:
        if not self.held:
            return
        first = choice.choice(sorted(self.held))
        numbers = [each for each in range(first, first + many) if each in self.held]
        is_gone = isinstance(state, Accepted | Rejected) or (isinstance(state, Modified) and state.undeliverable_here)
        for number in numbers:
            del self.held[number]
        if is_gone:
            self.gone += len(numbers)
        answer = self.say(Disposition(True, first, first + many - 1, settled, state))
        assert [type(each) for each in answer] == ([] if settled else [Disposition])

    @rule(first=st.integers(0, 1 << 32), many=st.integers(1, 4))
    def settle_what_is_not_there(self, first: int, many: int) -> None:
        numbers = range(first, first + many)
        if not any(number & 0xFFFF_FFFF in self.held for number in numbers):
            wire = Disposition(True, first & 0xFFFF_FFFF, (first + many - 1) & 0xFFFF_FFFF, True, Accepted())
            assert self.say(wire) == []

    @rule(handle=st.sampled_from((SENDER, *RECEIVERS)), closed=st.booleans())
    def detach(self, handle: int, closed: bool) -> None:
        if handle not in self.attached:
            return
        self.attached.remove(handle)
        self.credit.pop(handle, None)
        self.held = {number: link for number, link in self.held.items() if link != handle}
        assert [type(each) for each in self.say(Detach(handle, closed))] == [Detach]

    @rule()
    def begin_anew(self) -> None:
        self.attached.clear()
        self.credit.clear()
        self.held.clear()
        self.next_id = self.next_send = 0
        assert [type(each) for each in self.say(End())] == [End]
        assert [type(each) for each in self.say(Begin(None, 0, WINDOW, WINDOW))] == [Begin]

    # --- what has to be so ------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        queue = self.house.vhost.queues["q"]
        assert queue.unacked_count == len(self.held)
        assert queue.waiting_count() == self.sent - self.gone - len(self.held)
        assert len(queue.consumers) == len(self.attached - {SENDER})
        assert self.house.services.partial_bytes == 0

    @invariant()
    def credit_is_used(self) -> None:
        """Nobody waits who has credit while there is something."""
        assert not any(self.credit.values()) or not self.house.vhost.queues["q"].waiting_count()

    def teardown(self) -> None:
        self.client.lose()
        self.house.turn()
        assert self.house.vhost.queues["q"].waiting_count() == self.sent - self.gone


SessionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSessionMachine = SessionMachine.TestCase
