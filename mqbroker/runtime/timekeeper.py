"""Keeps the journal's time: it goes on over restarts as if nobody had ever set the machine's clock.

It notes in the journal what time it is by all clocks, as a definition, so that each checkpoint has it: while the
journal is written, when it comes to rest, at the stop, and when somebody has set the clock. A wall clock may be wrong
and be corrected, while the broker runs or between two runs. Deadlines must not come nor go with that, so a run does not
begin with the wall clock's time but with the journal's and what has passed:

    since the last note                                          | has passed
    -------------------------------------------------------------+---------------------------------------------
    the machine was not started anew                             | what its uptime says, or the wall clock if less
    it was, and the wall clock is ahead, by a month at most      | what the wall clock says
    it was, and the wall clock is behind, or ahead by more       | nothing: that clock was wrong then, or is now

A note may be some seconds old, so as much has passed at least. What then is left between the two is corrected by
CLOCK_CORRECTION_MS_MAX at each start, and never backwards.
"""

import logging
from collections.abc import Mapping

from mqbroker.clock import Clock, Sample
from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger
from mqbroker.limits import (
    CLOCK_CORRECTION_MS_MAX,
    CLOCK_DOWNTIME_MS_MAX,
    CLOCK_SAMPLE_AGE_MS_MAX,
    CLOCK_SAMPLE_MS,
    CLOCK_STEP_MS,
)

log = logging.getLogger(__name__)

KIND = "clock"
_KEY = definitions.key(KIND)


class Timekeeper:
    """The time of one broker."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._ahead = 0
        """By how much the wall clock is ahead of the broker's time."""
        self._next_note = 0

    def begin(self, found: Mapping[str, bytes], is_free: bool) -> None:
        """Goes on from what an earlier run has noted. Call it before anybody asks for the time.

        `is_free`: nothing that was found has a deadline.
        """
        if _KEY in found:
            self._clock.set(resumed(_unpack(found[_KEY]), self._clock.sample(), is_free))
        sample = self._clock.sample()
        self._ahead = sample.wall - sample.time
        if abs(self._ahead) > CLOCK_STEP_MS:
            text = "this machine's clock is %s the journal's time, as if it had been set: deadlines go by the journal"
            log.warning(text, _difference(self._ahead))
        self.note()

    def tick(self, now: int, is_written: bool) -> bool:
        """To be called about every second; whether it has noted the time.

        `is_written`: the journal holds something that came after the last note.
        """
        is_due = is_written and now >= self._next_note
        if not is_due and abs(self._clock.wall() - now - self._ahead) <= CLOCK_STEP_MS:
            return False
        self.note()
        return True

    def note(self) -> None:
        """Notes this moment in the journal's open batch."""
        sample = self._clock.sample()
        moved = sample.wall - sample.time - self._ahead
        if abs(moved) > CLOCK_STEP_MS:
            log.warning("this machine's clock was set %s its time; deadlines stay as they are", _difference(moved))
        self._ahead += moved
        self._next_note = sample.time + CLOCK_SAMPLE_MS
        self._ledger.define(_KEY, definitions.pack(sample._asdict()))


def resumed(known: Sample, present: Sample, is_free: bool) -> int:
    """What the broker's time is at present, going on from an earlier sample. `present.time` does not matter.

    `is_free`: nothing has a deadline, so the whole difference to the wall clock may be made up for.
    """
    expected = known.time + _passed(known, present)
    behind = present.wall - expected
    return expected + max(0, behind if is_free else min(behind, CLOCK_CORRECTION_MS_MAX))


def _passed(known: Sample, present: Sample) -> int:
    by_wall = max(0, present.wall - known.wall)
    if present.boot and present.boot == known.boot and present.uptime >= known.uptime:
        by_uptime = present.uptime - known.uptime
        return max(min(by_wall, by_uptime), min(by_uptime, CLOCK_SAMPLE_AGE_MS_MAX))
    return max(by_wall if by_wall <= CLOCK_DOWNTIME_MS_MAX else 0, CLOCK_SAMPLE_AGE_MS_MAX)


def _unpack(data: bytes) -> Sample:
    value = definitions.unpack(data)
    time, wall, boot, uptime = value["time"], value["wall"], value["boot"], value["uptime"]
    assert isinstance(time, int)
    assert isinstance(wall, int)
    assert isinstance(boot, str)
    assert isinstance(uptime, int)
    return Sample(time, wall, boot, uptime)


def _difference(ahead: int) -> str:
    return f"{abs(ahead) / 1000:.1f} s {'ahead of' if ahead > 0 else 'behind'}"
