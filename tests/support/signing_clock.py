"""The time at which botocore signs: its newest version asks for it otherwise than the lowest."""

from contextlib import AbstractContextManager
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.auth  # type: ignore[import-untyped]


def signing_at(when: datetime) -> AbstractContextManager[Any]:
    """What botocore signs in this block is signed at this time."""
    if hasattr(botocore.auth, "get_current_datetime"):
        return mock.patch("botocore.auth.get_current_datetime", return_value=when)

    class Clock(datetime):
        @classmethod
        def utcnow(cls) -> datetime:  # type: ignore[override]
            return when

    return mock.patch("botocore.auth.datetime", SimpleNamespace(datetime=Clock))
