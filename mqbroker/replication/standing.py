"""Keeps what a node knows of itself (ballot.Standing) in the file `pair`, beside the segments."""

import orjson

from mqbroker.errors import StorageError
from mqbroker.replication.ballot import Standing
from mqbroker.storage.log.disk import Disk

NAME = "pair"
_NEW = "pair.new"


def load(disk: Disk) -> Standing:
    """What was saved last. StorageError when the file is not readable."""
    if NAME not in disk.names():
        return Standing()
    try:
        said = orjson.loads(disk.read(NAME))
        return Standing(str(said["cluster"]), int(said["promised"]), bool(said["is_whole"]), int(said["cut"]))
    except (ValueError, KeyError, TypeError) as error:
        text = f"{disk.path}/{NAME} is not readable, so it is not known what this node has promised: {error}"
        raise StorageError(f"{text}. To join the pair as a new node, empty the folder") from None


def save(disk: Disk, standing: Standing) -> None:
    """Returns once it lasts; until then the old one does."""
    octets = orjson.dumps(standing._asdict())
    disk.prepare(_NEW, len(octets))
    disk.write(_NEW, [octets], 0, True)
    disk.finish(_NEW, len(octets))
    disk.rename(_NEW, NAME)
    disk.sync_names()
