"""The text that Prometheus reads: families of samples, in its own format 0.0.4 or as OpenMetrics 1.0.

There may be a hundred thousand samples, so they are written in slices, and the loop goes on between them.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

GAUGE, COUNTER, UNTYPED = "gauge", "counter", "untyped"

_SLICE_SAMPLES = 1000
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. That of a counter ends in `_total`."""

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[str, float]]
    """Labels as `labels_text` makes them, and values."""


def labels_text(**labels: str) -> str:
    """Labels as they stand after a name."""
    return labels_of(labels)


def labels_of(labels: Mapping[str, str]) -> str:
    """The same of a mapping."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_clean(value)}"' for name, value in labels.items()) + "}"


def _clean(value: str) -> str:
    return value.translate(_ESCAPED).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def written(families: Iterable[Family], is_openmetrics: bool) -> bytes:
    """All of them."""
    lines: list[str] = []
    pending = 0
    for family in families:
        lines += _head(family, is_openmetrics)
        name = family.name
        for labels, value in family.samples:
            lines.append(f"{name}{labels} {value}")
            pending += 1
            if pending >= _SLICE_SAMPLES:
                pending = 0
                await asyncio.sleep(0)
    if is_openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _head(family: Family, is_openmetrics: bool) -> list[str]:
    name, kind = family.name, family.kind
    if is_openmetrics:
        kind = "unknown" if kind == UNTYPED else kind
        name = name.removesuffix("_total") if kind == COUNTER else name
    return [f"# HELP {name} {family.help}", f"# TYPE {name} {kind}"]
