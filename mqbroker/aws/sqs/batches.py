"""What the batch actions have in common: at most ten entries with distinct ids, and an outcome for each."""

import re
from collections.abc import Callable
from typing import Any

from mqbroker.aws.limits import SQS_BATCH_ENTRIES_MAX
from mqbroker.aws.sqs import refusals
from mqbroker.errors import AwsError

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

Entry = dict[str, Any]


def check_batch(entries: list[Entry], shape: str) -> None:
    """Raises AwsError unless there are one to ten entries with distinct and proper ids. `shape` is that of an entry."""
    if not entries:
        raise refusals.empty_batch(shape)
    if len(entries) > SQS_BATCH_ENTRIES_MAX:
        raise refusals.too_many_entries(len(entries), SQS_BATCH_ENTRIES_MAX)
    seen: set[str] = set()
    for entry in entries:
        entry_id = entry["Id"]
        if not _ID.fullmatch(entry_id):
            raise refusals.invalid_entry_id()
        if entry_id in seen:
            raise refusals.repeated_entry_id(entry_id)
        seen.add(entry_id)


def run_batch(entries: list[Entry], action: Callable[[Entry], dict[str, object]]) -> dict[str, object]:
    """Does `action` for each entry; the result of the batch. What AwsError refuses is among the failed."""
    successful: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **action(entry)})
        except AwsError as error:
            failed.append(
                {"Id": entry["Id"], "SenderFault": error.is_sender, "Code": error.code, "Message": error.message}
            )
    result: dict[str, object] = {}
    if successful:
        result["Successful"] = successful
    if failed:
        result["Failed"] = failed
    return result
