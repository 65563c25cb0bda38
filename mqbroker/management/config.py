"""The section [management]."""

import re
from dataclasses import dataclass

from mqbroker.config.addresses import parse_origin
from mqbroker.config.option import option
from mqbroker.management.limits import BODY_BYTES_CEILING, BODY_BYTES_MAX, SESSION_TIMEOUT_MIN

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError(f"must be a path such as /mq, or empty, not {text!r}")
    return text


@dataclass(frozen=True, slots=True)
class ManagementConfig:
    """[management]"""

    path_prefix: str = option("", "What every path begins with, such as /mq behind a proxy.", parse=_prefix)
    cluster_name: str = option("mqbroker", "What the broker is called until somebody renames it over the API.")
    body_size_max: int = option(
        BODY_BYTES_MAX, "Largest request body in bytes.", minimum=1024, maximum=BODY_BYTES_CEILING
    )
    origins: tuple[str, ...] = option(
        (),
        "Origins whose pages may call, such as https://ops.example, or loopback for this machine's; empty is none.",
        parse=parse_origin,
    )
    session_timeout_min: int = option(
        SESSION_TIMEOUT_MIN, "Minutes that a log-in of the console lasts.", minimum=1, maximum=43_200
    )
    metrics_per_object: bool = option(False, "Whether /metrics shows every queue, channel and connection.")
    access_log: bool = option(False, "Whether every request is logged, in Apache's combined format.")
