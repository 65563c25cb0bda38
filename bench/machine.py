"""What the report says about the machine, and what is asked of it. A value that cannot be read is left out."""

import os
import platform
import resource
from pathlib import Path

OPEN_FILES = 8192
"""Enough for the connections of every case that is not about their number, here and in the brokers."""


def allow_files() -> None:
    """Raise this process's limit of open files, and so that of all it starts, as far as it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def describe() -> dict[str, str]:
    """Facts by name, for people."""
    facts = {
        "processor": _first_value("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return {name: value for name, value in facts.items() if value}


def _first_value(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _memory() -> str:
    text = _first_value("/proc/meminfo", "MemTotal")
    return f"{int(text.split()[0]) / (1 << 20):.1f} GiB" if text else ""
