"""What is measured while nodes fail, with a pair of two nodes and etcd."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import TargetError
from bench.scenarios.base import Case, Kept, Site
from bench.scenarios.pair import SCENARIO
from bench.targets.base import Promise
from bench.targets.pair import MqbrokerPair
from tests.replication.stores import NEEDS_ETCD

SECONDS = 0.02
CASES = [case for case in SCENARIO.cases if case.replicated and case.promise is Promise.WRITE]

pytestmark = [
    NEEDS_ETCD,
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def target() -> Iterator[MqbrokerPair]:
    made = MqbrokerPair(Path(sys.executable))
    try:
        made.version()
    except TargetError as error:
        pytest.skip(str(error))
    with made:
        made.start(Promise.WRITE)
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_a_node_that_fails_comes_back_for_the_next_case(target: MqbrokerPair, case: Case) -> None:
    """The second repetition would have measured what was left of the first one."""

    for _ in range(2):
        endpoint, kept = target.endpoint("amqp"), Kept()
        assert endpoint is not None
        taken = case.measure(Site(target, Promise.WRITE, endpoint, SECONDS, kept))
        kept.clear()
        assert taken.faults == ""
        assert taken.value > 0
        assert target.is_whole()
        assert len(target.pids()) == 2
