"""How fast a standby that is behind is sent what the files have, beside clients who want the loop, too.

While clients write they have three quarters of the loop's time, else half of it. But whoever writes faster than that
lets a standby catch up with would leave the second copy out for ever: when it has not come nearer for a while, it gets
more of the loop, at most half. Without clock: it is told what has passed.
"""

SHARES = (3.0, 2.0, 1.0)
"""How much longer than it takes to send a piece the loop is left to clients, from the first attempt to the last."""
LOOK_MS = 2000


class Pace:
    """That of one standby."""

    def __init__(self, now: int) -> None:
        self._attempt = 0
        self._newest = 0
        self._behind = -1
        """How many batches were missing when that was looked at last."""
        self._looked_at = now

    def rest(self, taken: float, newest: int, sent: int, now: int) -> float:
        """How long to leave the loop to others after a piece that has taken so long. `newest` is the last batch of the
        log, `sent` the last one that was sent."""
        is_written, self._newest = newest != self._newest, newest
        if now - self._looked_at >= LOOK_MS:
            self._look(newest - sent, now)
        return taken * (SHARES[self._attempt] if is_written else SHARES[-1])

    def _look(self, behind: int, now: int) -> None:
        if 0 <= self._behind <= behind:
            self._attempt = min(self._attempt + 1, len(SHARES) - 1)
        self._behind, self._looked_at = behind, now
