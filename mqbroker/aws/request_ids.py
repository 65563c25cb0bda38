"""Ids for requests: random UUIDs, made many at a time because each call for randomness costs more than an id."""

import os

_BATCH = 256


class RequestIds:
    """A source of ids that no two requests share."""

    def __init__(self) -> None:
        self._ready: list[str] = []

    def take(self) -> str:
        """A new id in the form of a UUID, version 4."""
        if not self._ready:
            digits = os.urandom(16 * _BATCH).hex()
            self._ready = [_as_uuid(digits[start : start + 32]) for start in range(0, 32 * _BATCH, 32)]
        return self._ready.pop()


def _as_uuid(digits: str) -> str:
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
