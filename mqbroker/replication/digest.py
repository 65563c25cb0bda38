"""What two logs are compared by: per segment the checksum of its last frame, to which all before it are chained."""

from collections.abc import Iterator
from typing import Any

from mqbroker.replication.course import course_of
from mqbroker.storage.log.chain import SegmentReader
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.segment import segment_name


def digest(disk: Disk, upto: int) -> list[dict[str, int]]:
    """Every segment that begins before the batch `upto`, with what stands in it up to there. Reads all of it."""
    return list(_digests(disk, upto))


def _digests(disk: Disk, upto: int) -> Iterator[dict[str, int]]:
    for stretch in course_of(disk, upto).stretches:
        if stretch.first > upto:
            return
        try:
            segment = SegmentReader(disk, segment_name(stretch.first))
            segment.pass_over(upto)
        except FileNotFoundError:
            continue
        chain = segment.chain
        yield {"first": stretch.first, "end": chain.lsn, "bytes": chain.end, "crc": chain.crc, "header": stretch.crc}


def differences(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    """What is not the same, in words; segments that only one still has are none."""
    theirs = {each["first"]: each for each in other}
    return [
        f"segment {each['first']}: {_words(each)} here, {_words(theirs[each['first']])} there"
        for each in one
        if each["first"] in theirs and theirs[each["first"]] != each
    ]


def _words(found: dict[str, Any]) -> str:
    return f"{found['bytes']} bytes up to batch {found['end']} with checksum {found['crc']:08x}"
