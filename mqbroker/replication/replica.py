"""What a standby does with its link: says what it has, drops what never counted, writes what it gets, says what lasts.

What the files of the active node have is written without a sync for each batch, and acknowledged when all of it is
synced at once; what is written from then on, batch by batch.

Without loop, clock or socket; it does its disk work when it is called. It follows one node in one epoch, after the
store has said that this node leads in that epoch, and promises before to refuse every older one for ever.
"""

import logging
from collections.abc import Iterable

from mqbroker.errors import KeyMissing, LinkBroken, LinkRefused
from mqbroker.replication import standing as standings
from mqbroker.replication.aside import end_log, set_aside
from mqbroker.replication.ballot import Ballot, Standing
from mqbroker.replication.copies import Copied, Filling, remove_unfinished
from mqbroker.replication.course import Course, course_of
from mqbroker.replication.wire import VERSION, Beat, Durable, Hello, Joined, Packet, Refused, Welcome
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES, Keyring
from mqbroker.storage.log.applier import Applier
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.frame import FIRST_EPOCH
from mqbroker.storage.log.pieces import Appended, Deleted, Skipped
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, read_segment_header, segment_names

log = logging.getLogger(__name__)

NOTHING = -1


class Replica:
    """The log of this node, which another one writes. After an OSError it is not to be used any more."""

    def __init__(self, disk: Disk, sync: bool, node: str) -> None:
        """JournalCorrupt when the log here is damaged, StorageError when it cannot be used otherwise."""
        self.node = node
        self.standing: Standing = standings.load(disk)
        self.committed = 0
        """Up to where everything is confirmed, as the active node has said."""
        self.is_in_sync = False
        """Whether this node is needed for confirms, as the active node has said."""
        self._disk = disk
        self._sync = sync
        self._ballot: Ballot | None = None
        self._filling: Filling | None = None
        self._synced = NOTHING
        """Up to where everything lasts while it catches up; NOTHING once all does."""
        if self.standing.cut == NOTHING:
            self._applier = Applier(disk, False)
        else:
            self._cut(self.standing.cut)  # a crash came in between
            self._save(self.standing._replace(cut=NOTHING))

    @property
    def lsn(self) -> int:
        """The last batch that is here."""
        return self._applier.lsn

    def course(self) -> Course:
        """That of the log here."""
        return course_of(self._disk, self.lsn)

    def claim(self, cluster: str) -> int:
        """This node is about to found a pair of that name with the log that it has. Returns its first epoch."""
        self._save(Standing(cluster, 0, True))
        stretches = self.course().stretches
        return stretches[-1].epoch + 1 if stretches else FIRST_EPOCH

    def disclaim(self) -> None:
        """It has not: there was a pair already."""
        self._save(Standing())

    def promote(self, mine: Ballot) -> None:
        """This node was elected, and follows nobody any more."""
        self._sync_all()
        self._save(Standing(mine.cluster, mine.epoch, True))

    def key_trouble(self, keyring: Keyring | None) -> str:
        """Why this node could not read its log if it were promoted; empty when it could."""
        names = segment_names(self._disk.names())
        opening = self._disk.read(names[-1], 0, SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES) if names else b""
        header = read_segment_header(names[-1], opening) if names else None
        if header is None or header.key_block is None:
            return ""
        try:
            if keyring is None:
                raise KeyMissing(names[-1], header.key_block.key_id, "no key is given")
            keyring.unwrap(names[-1], opening[:SEGMENT_HEADER_BYTES], header.key_block)
        except KeyMissing as error:
            return f"this node cannot be promoted: {error}"
        return ""

    def greet(self, ballot: Ballot) -> Hello:
        """What to say to the node that leads by that ballot, which was read just now. From here on older epochs are
        refused."""
        if ballot.epoch < self.standing.promised:
            raise LinkRefused(f"the epoch {ballot.epoch} is over: this node has promised {self.standing.promised}")
        if not self.standing.cluster and self.lsn:
            raise LinkRefused(
                f"the journal {self._disk.path} was written by a node alone: to join the pair as a new node, empty the "
                "folder first; to give the pair these messages, set pair.founds here and begin with an empty store"
            )
        if ballot.epoch > self.standing.promised:
            self._save(self.standing._replace(promised=ballot.epoch))
        self._ballot, self.is_in_sync = ballot, False
        self._synced = NOTHING
        self._filling = None
        remove_unfinished(self._disk)
        self._applier = Applier(self._disk, False)  # also because what was skipped is not in the files
        return Hello(self.standing.cluster, self.node, ballot.epoch, self.course())

    def welcomed(self, said: Welcome) -> Durable:
        """The leading node says where to go on. LinkRefused when it is not whom the store has named."""
        self._check(said)
        applier = self._applier
        if said.keep > applier.lsn:
            raise LinkBroken(f"{said.node} asks to go on after batch {said.keep}, which is not here")
        standing = self.standing._replace(
            cluster=said.cluster,
            is_whole=self.standing.is_whole and said.is_whole,
            cut=said.keep,
        )
        # Before anything is dropped: a log with holes must not be promoted, whatever happens from here on; and what a
        # crash leaves half cut, or did not sync, is cut at the next start.
        self._save(standing)
        if said.keep < applier.lsn:
            log.warning("batches %d to %d never counted and are set aside", said.keep + 1, applier.lsn)
        self._cut(said.keep)
        if self.lsn != said.keep:
            self._save(self.standing._replace(is_whole=False))
            raise LinkBroken(f"the log here has no batch {said.keep}, and ends with {self.lsn}")
        self._synced = said.keep
        return self._durable()

    def _check(self, said: Welcome) -> None:
        ballot = self._ballot
        if said.version != VERSION:
            raise LinkRefused(f"{said.node} speaks version {said.version} of the link and this node {VERSION}: update")
        if ballot is None or not ballot.is_led_by(said.node, said.epoch):
            raise LinkRefused(f"{said.node} says that it leads in the epoch {said.epoch}, which the store does not say")
        if said.cluster != ballot.cluster or self.standing.cluster not in ("", said.cluster):
            raise LinkRefused(f"{said.node} is of the cluster {said.cluster}, and this node is not: correct pair.name")

    def _cut(self, keep: int) -> None:
        """Ends the log there. What is left lasts, whatever a crash has left unsynced."""
        for name in set_aside(self._disk, keep):
            log.warning("what was dropped is kept in %s", name)
        end_log(self._disk, keep)
        self._applier = Applier(self._disk, False)

    @property
    def is_following(self) -> bool:
        """Whether it gets what is written, as it is written."""
        return self.standing.is_whole and self.standing.cut == NOTHING

    @property
    def is_quick(self) -> bool:
        """Whether a batch that is taken needs no sync."""
        return not self._sync and self._synced == NOTHING and self.is_following

    def prepare_next(self) -> None:
        """Prepares the next segment (Applier.prepare_next)."""
        self._applier.prepare_next()

    def take(self, packets: Iterable[Packet]) -> Durable | None:
        """Does what they say; returns what to answer when they ask for one. LogRefused when a piece does not fit."""
        is_asked = False
        for packet in packets:
            is_asked = self._take(packet) or is_asked
        return self._durable() if is_asked else None

    def _take(self, packet: Packet) -> bool:
        match packet:
            case Appended():
                self._append(packet)
                return True
            case Copied():
                self._copy(packet)
                return False
            case Deleted() | Skipped():
                self._applier.apply(packet)
                return False
            case Joined(lsn):
                self._join(lsn)
                return True
            case Beat(committed, is_in_sync):
                self.committed, self.is_in_sync = max(committed, self.committed), is_in_sync
                return True
            case Refused(reason):
                raise LinkRefused(reason)
        raise LinkBroken(f"a standby is not sent {type(packet).__name__}")

    def _append(self, piece: Appended) -> None:
        before = self.lsn
        self._applier.apply(piece)
        if piece.offset == 0 and self._synced != NOTHING:
            # The segment before it is synced, and so is its own beginning.
            self._synced = before
            self._save(self.standing._replace(cut=before))

    def _copy(self, piece: Copied) -> None:
        if self._filling is None:
            self._filling = Filling(self._disk, self._applier.cluster_id)
        if self._filling.take(piece):
            self._filling = None
            log.warning("the segment that begins with batch %d was missing here, and is copied", piece.segment)

    def _join(self, lsn: int) -> None:
        if self.lsn != lsn:
            raise LinkBroken(f"the active node takes batch {lsn} for sent, and {self.lsn} is the last one here")
        self._sync_all()
        if self.standing.cut != NOTHING or not self.standing.is_whole:
            self._save(self.standing._replace(is_whole=True, cut=NOTHING))

    def _sync_all(self) -> None:
        """Nothing here is unsynced after it."""
        if self._synced != NOTHING:
            self._applier = Applier(self._disk, self._sync)
            self._applier.truncate(self.lsn)  # which syncs what is there
            self._synced = NOTHING

    def _durable(self) -> Durable:
        return Durable(self.lsn if self._synced == NOTHING else self._synced, self.standing.is_whole)

    def _save(self, standing: Standing) -> None:
        standings.save(self._disk, standing)
        self.standing = standing
