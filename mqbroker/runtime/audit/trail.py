"""The trail as the broker's loop sees it: calls go in as they are told of, with the time and an id, and cost no I/O."""

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mqbroker.clock import Clock
from mqbroker.config.sections import AuditConfig
from mqbroker.limits import AUDIT_RECORDS_WAITING_MAX, AUDIT_STRANGERS_PER_S_MAX
from mqbroker.runtime.audit.chain import FOLDER
from mqbroker.runtime.audit.writer import Writer

log = logging.getLogger(__name__)

EVENT_VERSION = "1.09"
_CLOSE_TIMEOUT_S = 5.0


class Trail:
    """Implements `Audit` (protocols/auditing.py)."""

    def __init__(self, config: AuditConfig, data_dir: Path, clock: Clock) -> None:
        """Raises OSError."""
        self.has_reads = config.reads
        self.has_data_events = config.data_events
        folder = config.folder or data_dir / FOLDER
        self.folder = str(folder)
        self._clock = clock
        self._lost = 0
        self._strangers = (0, 0)
        """How many records of strangers came in which second."""
        self._writer = Writer(folder, config.keep_days)

    def record(self, fields: Mapping[str, object], is_stranger: bool = False) -> None:
        """Implements Audit's."""
        if self._writer.waiting >= AUDIT_RECORDS_WAITING_MAX or (is_stranger and self._are_strangers_many()):
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            log.error("%d records of the audit trail were left out: there were too many at once", lost)
            self._put({**service_event("LeaveOutRecords"), "additionalEventData": {"records": lost}})
        self._put(fields)

    def _are_strangers_many(self) -> bool:
        second, (before, count) = self._clock.now() // 1000, self._strangers
        self._strangers = second, count + 1 if second == before else 1
        return self._strangers[1] > AUDIT_STRANGERS_PER_S_MAX

    def _put(self, fields: Mapping[str, object]) -> None:
        at = datetime.fromtimestamp(self._clock.wall() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._writer.put({"eventVersion": EVENT_VERSION, "eventTime": at, "eventID": str(uuid.uuid4()), **fields})

    def close(self) -> None:
        """Nothing is told from now on."""
        self._put(service_event("StopBroker"))
        self._writer.close(_CLOSE_TIMEOUT_S)


def service_event(name: str) -> dict[str, object]:
    """What the broker does by itself."""
    return {
        "userIdentity": {"type": "AWSService", "invokedBy": "mqbroker"},
        "eventSource": "mqbroker",
        "eventName": name,
        "awsRegion": "",
        "sourceIPAddress": "mqbroker",
        "userAgent": "mqbroker",
        "requestParameters": None,
        "responseElements": None,
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "eventCategory": "Management",
    }
