"""How many files and sockets this process may have open, and how many of them connections may take.

What the broker itself needs, most of all the next segment of the journal, must be there even when every connection that
is allowed is open: without it the broker would stop.
"""

import logging
import os
import resource
from dataclasses import replace

from mqbroker.config.sections import LimitsConfig
from mqbroker.limits import DESCRIPTORS_RESERVED

log = logging.getLogger(__name__)

_FOLDER = "/proc/self/fd"


def claim() -> int:
    """Raises the soft limit to the hard one, which needs no privilege; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def fitting(limits: LimitsConfig, descriptors: int) -> LimitsConfig:
    """The limits of connections as far as there are descriptors for them; at most half are for those without a name."""
    available = max(1, descriptors - DESCRIPTORS_RESERVED)
    most, strangers = min(limits.connections_max, available), min(limits.preauth_connections_max, (available + 1) // 2)
    if most < limits.connections_max:
        text = "%d connections at most, %d of them without a log-in: this process may have %d files open (ulimit -n)"
        log.info(text, most, strangers, descriptors)
    return replace(limits, connections_max=most, preauth_connections_max=strangers)


def open_count() -> int:
    """How many are open; 0 where that cannot be known."""
    try:
        # Linux says it since 6.2; before, the system lists each of them for that.
        return os.stat(_FOLDER).st_size or len(os.listdir(_FOLDER))
    except OSError:
        return 0
