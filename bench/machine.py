"""What the report says about the machine. Owns the reading of it; a value that cannot be read is left out."""

import os
import platform
from pathlib import Path


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
