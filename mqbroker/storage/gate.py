"""The gate before every promise: a batch is committed once it is durable here and on every member that is required.

A pure machine: it is told what is durable where, and says what is committed. Who has to be required is decided
elsewhere (the in-sync set). Rules:

- The commit position is the lowest of the local one and those of all required members. It never goes back: a member
  that is required from now on and is not as far yet stops it where it is.
- A position without a frame (a batch of which nothing was left) is never acknowledged by a member, which cannot know of
  it. So whoever has the newest frame that is durable here has all that follows it here too.
"""


class Gate:
    """Begins after the batch `position`, before which everything is committed."""

    def __init__(self, position: int) -> None:
        self.local = position
        """Up to where everything is durable here."""
        self.committed = position
        """Up to where promises may be kept."""
        self.frame = position
        """The newest frame that is durable here."""
        self._members: dict[str, int] = {}

    def durable(self, lsn: int) -> int:
        """The frame of that batch is durable here. Returns what is committed, like every call."""
        self.frame = self.local = lsn
        return self._move()

    def empty(self, position: int) -> int:
        """Everything before that position is durable here, and it has no frame itself."""
        self.local = position
        return self._move()

    def acknowledged(self, member: str, lsn: int) -> int:
        """A member has everything up to that frame. Means nothing of a member that is not required."""
        if member in self._members:
            self._members[member] = max(lsn, self._members[member])
        return self._move()

    def require(self, member: str, lsn: int) -> int:
        """Nothing more is committed without this member, which has everything up to that frame."""
        self._members[member] = lsn
        return self._move()

    def release(self, member: str) -> int:
        """Commits without this member again."""
        self._members.pop(member, None)
        return self._move()

    def _move(self) -> int:
        reached = self.local
        if not self._members:
            self.committed = reached
            return reached
        for lsn in self._members.values():
            if lsn < self.frame and lsn < reached:
                reached = lsn
        self.committed = max(self.committed, reached)
        return self.committed
