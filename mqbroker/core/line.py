"""Those who wait for the same thing, in turn: the output of a connection, or a number of unacknowledged deliveries.

Who lacks it stands in line. When there is room, those in line go on in the order in which they came, each with a share
of the portion; who could take more than its share goes to the end. So nobody has all of it because it came first, or
because its messages are larger. A line is a task of the scheduler, in turn with the lines of others.
"""

from collections import OrderedDict

from mqbroker.core.scheduler import Task


class Member:
    """Somebody who can stand in a line. Subclassed."""

    __slots__ = ("line",)

    def __init__(self) -> None:
        self.line: Line | None = None
        """Where it stands."""

    def take_turn(self, portion: int, now: int) -> int:
        """Does up to a portion of what it could not do before; how much it was. It stands in no line when it is called.

        Overridden.
        """
        raise NotImplementedError

    def schedule(self, task: Task) -> None:
        """Has the task run in portions. Overridden."""
        raise NotImplementedError


class Line(Task):
    """A line. Subclassed by what its members wait for."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        Task.__init__(self)
        self.members: OrderedDict[Member, None] | None = None
        """None until somebody has to wait, which few ever do."""

    def room(self) -> int:
        """For how many deliveries there is room now. Overridden."""
        raise NotImplementedError

    def join(self, member: Member) -> None:
        """Puts somebody at the end who stands in no line."""
        if self.members is None:
            self.members = OrderedDict()
        self.members[member] = None
        member.line = self

    def join_first(self, member: Member) -> None:
        """Puts somebody at the front who has never had a turn."""
        self.join(member)
        assert self.members is not None
        self.members.move_to_end(member, last=False)

    def leave(self, member: Member) -> None:
        """Takes somebody out who waits no more."""
        assert self.members is not None
        del self.members[member]
        member.line = None

    def go_on(self) -> None:
        """There may be room: those in line are given their turns soon."""
        if self.members and not self.is_scheduled and self.room() > 0:
            next(iter(self.members)).schedule(self)

    def run(self, now: int, portion: int) -> bool:
        """Gives turns while there is room, at most a portion altogether. True when somebody could go on."""
        members = self.members
        if not members:
            return False
        left = portion
        share = max(1, min(portion, self.room()) // len(members))
        while members and left > 0 and self.room() > 0:
            member: Member = members.popitem(last=False)[0]
            member.line = None
            left -= max(1, member.take_turn(min(share, left), now))
        return bool(members) and self.room() > 0
