"""Who must not follow, and what must not be followed: one sentence that says what to do, and nothing is changed."""

from pathlib import Path
from random import Random

import pytest

from mqbroker.config.sections import PairConfig
from mqbroker.errors import ConfigError, LinkRefused, LogRefused, StorageError
from mqbroker.net import devcerts
from mqbroker.replication import standing as standings
from mqbroker.replication.active import Active
from mqbroker.replication.ballot import Ballot, Standing, campaign_trouble, following_trouble, founding_trouble
from mqbroker.replication.course import Course, course_of
from mqbroker.replication.replica import Replica
from mqbroker.replication.tls import link_contexts
from mqbroker.replication.wire import VERSION, Hello, Refused, Welcome
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.segment import segment_names
from tests.replication import stores
from tests.replication.pair_house import NodeProcess, a_pair
from tests.storage.house import KEYRING, Journal, an_entry
from tests.storage.simdisk import SimDisk
from tests.support.waiting import eventually

BALLOT = Ballot("cluster", 5, "a", "a:5670", frozenset("ab"), 9, True)
EMPTY = Course((), 0)
Content = dict[str, bytes]


def an_active(ballot: Ballot = BALLOT) -> Active:
    journal = Journal(epoch=ballot.epoch)
    return Active(journal.ledger, journal.disk, EMPTY, ballot, 0, 3000)


def refusal(hello: Hello, ballot: Ballot = BALLOT) -> str:
    answer = an_active(ballot).greet(hello, lambda: None, 0)
    assert isinstance(answer, Refused)
    return answer.reason


def content(disk: SimDisk) -> Content:
    return {name: disk.read(name) for name in segment_names(disk.names())}


def test_a_standby_of_another_cluster_is_refused() -> None:
    assert "empty its data folder first" in refusal(Hello("other", "b", 5, EMPTY))


def test_a_standby_of_another_version_is_refused() -> None:
    assert "update" in refusal(Hello("cluster", "b", 5, EMPTY, VERSION + 1))


def test_two_nodes_of_one_name_are_refused() -> None:
    assert "own pair.node" in refusal(Hello("cluster", "a", 5, EMPTY))


def test_an_active_node_that_was_replaced_learns_it_from_its_standby() -> None:
    assert "which is over" in refusal(Hello("cluster", "b", 6, EMPTY))


def a_replica(standing: Standing, disk: SimDisk | None = None) -> Replica:
    disk = disk or SimDisk()
    standings.save(disk, standing)
    return Replica(disk, True, "b")


def test_a_standby_refuses_an_older_epoch_for_ever_also_after_its_restart() -> None:
    """A node that was replaced would have gone on with whoever did not know it yet."""
    replica = a_replica(Standing("cluster", 6, True))
    with pytest.raises(LinkRefused, match="epoch 5 is over"):
        replica.greet(BALLOT)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Welcome("cluster", "a", 4, 0, True), "which the store does not say"),
        (Welcome("cluster", "c", 5, 0, True), "which the store does not say"),
        (Welcome("other", "a", 5, 0, True), "correct pair.name"),
        (Welcome("cluster", "a", 5, 0, True, VERSION + 1), "update"),
    ],
)
def test_a_standby_follows_nobody_but_whom_the_store_names(said: Welcome, reason: str) -> None:
    replica = a_replica(Standing("cluster", 4, True))
    replica.greet(BALLOT)
    with pytest.raises(LinkRefused, match=reason):
        replica.welcomed(said)


def test_a_journal_of_a_node_alone_is_not_thrown_away() -> None:
    """A broker with messages that was made a standby by mistake would have lost them."""
    journal = Journal()
    journal.put(an_entry(1))
    before = content(journal.disk)
    replica = Replica(journal.disk.after_kill(), True, "b")
    with pytest.raises(LinkRefused, match="empty the folder first"):
        replica.greet(BALLOT)
    assert content(journal.disk) == before


def test_a_piece_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    """Another node's log under the same name would have been mixed into this one."""
    ours, theirs = Journal(entropy_start=1), Journal(entropy_start=1 << 40)
    for journal in (ours, theirs):
        journal.put(an_entry(1), an_entry(2))
    disk = ours.disk.after_kill()
    replica = a_replica(Standing("cluster", 5, True), disk)
    before = content(disk)
    pieces = Journal(theirs.disk.after_kill()).ledger
    active = Active(pieces, theirs.disk, course_of(theirs.disk, 0), BALLOT._replace(epoch=1), 0, 3000)
    keep = active.greet(Hello("cluster", "b", 1, EMPTY), lambda: None, 0)
    assert isinstance(keep, Welcome)
    with pytest.raises(LogRefused):
        replica.take(active.feeds["b"].next(100_000))
    assert content(disk) == before


def test_a_store_that_was_reset_or_restored_is_noticed() -> None:
    """Old epochs came back, and a node led by them without what was confirmed later."""
    standing = Standing("cluster", 7, True)
    assert "reset or restored" in following_trouble(standing, BALLOT)
    assert "reset or restored" in campaign_trouble("a", standing, BALLOT)
    assert "was wiped" in founding_trouble(standing, founds=True)
    assert "pair.name or pair.election" in following_trouble(Standing("other", 1, True), BALLOT)


def test_a_node_that_may_lack_messages_does_not_campaign() -> None:
    whole = Standing("cluster", 5, True)
    assert campaign_trouble("b", whole, BALLOT) == ""
    assert "not in the in-sync set (a, b)" in campaign_trouble("c", whole, BALLOT)
    assert "not whole" in campaign_trouble("b", Standing("cluster", 5, False), BALLOT)
    assert "not whole" in campaign_trouble("b", Standing(), BALLOT)  # its disk was replaced
    assert "log here is empty" in campaign_trouble("b", whole, BALLOT, has_log=False)  # its files were deleted


def test_a_node_without_the_key_of_the_journal_is_not_promoted() -> None:
    """It was promoted, could not read anything, ended, and was promoted again, and nobody served."""
    journal = Journal(keyring=KEYRING)
    journal.put(an_entry(1))
    replica = a_replica(Standing("cluster", 5, True), journal.disk.after_kill())
    assert replica.key_trouble(KEYRING) == ""
    assert "no key is given" in replica.key_trouble(None)
    assert "cannot be promoted" in replica.key_trouble(Keyring([b"x" * 32]))


def test_a_standing_that_is_not_readable_stops_the_start() -> None:
    """What had been promised was forgotten."""
    disk = SimDisk()
    disk.put("pair", b"\0" * 40)
    with pytest.raises(StorageError, match="not known what this node has promised"):
        standings.load(disk)


def test_a_standing_lasts_whenever_the_power_is_cut() -> None:
    for fail_at in range(1, 8):
        disk = SimDisk()
        standings.save(disk, Standing("cluster", 1, True))
        disk.fail_at = disk.calls + fail_at
        try:
            standings.save(disk, Standing("cluster", 2, True))
        except OSError:
            found = standings.load(disk.after_power_cut(Random(fail_at)))
            assert found.promised in (1, 2)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    devcerts.generate_pair(tmp_path)
    config = PairConfig(
        node="a", certificate=tmp_path / "pair.pem", key=tmp_path / "pair.key", ca=tmp_path / "ca.pem"
    )  # fmt: skip
    assert link_contexts(config) != (None, None)
    (tmp_path / "pair.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        link_contexts(config)


@stores.NEEDS_ETCD
@pytest.mark.timeout(120)
def test_a_node_with_a_certificate_of_somebody_else_gets_nothing(tmp_path: Path) -> None:
    """Whoever reached the port could read every message."""
    with a_pair(tmp_path) as pair:
        active = pair.active
        pair.standby.kill()
        strangers = tmp_path / "strangers"
        devcerts.generate_pair(strangers)
        pair.certificates = strangers
        intruder = NodeProcess(pair, "c")
        intruder.start()
        try:
            eventually(lambda: "cannot be reached" in intruder.log(), 30)
            assert "c follows" not in active.log()
            assert "certificate" in intruder.log().lower()
        finally:
            intruder.close()
