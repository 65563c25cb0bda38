"""What may befall a pair: each fault is done while clients work, says how they must fare, and is mended in the end."""

import shutil
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.replication.crew import Crew
from tests.replication.pair_house import NodeProcess, Pair, begin_anew
from tests.support.waiting import eventually

WAIT_S = 60.0


class Spans(NamedTuple):
    """How long things take."""

    lease_s: int
    ack_timeout_ms: int
    pause_s: float
    """How long a process is stopped."""
    outage_s: float
    """How long the store is down."""


class Scene(NamedTuple):
    """Where it happens."""

    pair: Pair
    crew: Crew
    spans: Spans

    def waits(self, is_so: Callable[[], bool]) -> None:
        """Until it is so; AssertionError when that takes too long."""
        eventually(is_so, WAIT_S)

    def last(self, seconds: float) -> None:
        """Lets the fault last."""
        time.sleep(max(0.0, seconds))


class Fault(NamedTuple):
    """One of them. `is_direct`: links go without a proxy, so a node whose process is gone refuses them."""

    title: str
    happen: Callable[[Scene], None]
    is_direct: bool = False
    module: str = "mqbroker"
    """What is run as a node."""


FAULTS: dict[str, Fault] = {}


def _fault(name: str, title: str, is_direct: bool = False, module: str = "mqbroker") -> Callable[..., None]:
    def note(happen: Callable[[Scene], None]) -> None:
        FAULTS[name] = Fault(title, happen, is_direct, module)

    return note


def _leads_alone(node: NodeProcess) -> bool:
    return bool(node.status().get("isr") == [node.name])


def _goes_on_alone(scene: Scene, active: NodeProcess, standby: NodeProcess) -> None:
    """The standby is left out, and is not promoted beside the active node."""
    scene.waits(lambda: _leads_alone(active))
    scene.crew.progress()
    scene.last(scene.spans.lease_s * 2)
    assert not standby.is_serving


def _reaches_store(node: NodeProcess) -> bool:
    return bool(node.status().get("is_store_reached", False))


# --- processes --------------------------------------------------------------------------------------------------------


@_fault("kill", "the active node is killed, three times", is_direct=True)
def _(scene: Scene) -> None:
    for _ in range(3):
        killed = scene.pair.active
        killed.kill()
        scene.crew.progress()
        killed.start()
        scene.pair.until_in_sync()


@_fault("kill-standby", "the standby is killed")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    standby.kill()
    scene.crew.progress()
    assert _leads_alone(active)
    standby.start()


@_fault("switchover", "switchover, three times", is_direct=True)
def _(scene: Scene) -> None:
    for _ in range(3):
        stopped = scene.pair.active
        assert stopped.stop() == 0
        scene.crew.progress()
        stopped.start()
        scene.pair.until_in_sync()


@_fault("pause", "the active node is paused (SIGSTOP) and goes on (SIGCONT)")
def _(scene: Scene) -> None:
    paused, other = scene.pair.active, scene.pair.standby
    paused.pause()
    began = time.monotonic()
    scene.waits(lambda: other.is_serving)
    scene.crew.progress()
    scene.last(scene.spans.pause_s - (time.monotonic() - began))
    paused.go_on()
    scene.waits(lambda: not paused.is_running)  # it finds that it was replaced
    assert "is the active node now" in paused.log()
    paused.start()


@_fault("pause-standby", "the standby is paused and goes on")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    standby.pause()
    scene.waits(lambda: _leads_alone(active))
    scene.crew.progress()
    scene.last(scene.spans.pause_s)
    standby.go_on()


@_fault("pause-both", "both nodes are paused and go on")
def _(scene: Scene) -> None:
    for node in scene.pair.nodes:
        node.pause()
    scene.last(scene.spans.pause_s)
    for node in scene.pair.nodes:
        node.go_on()
    scene.last(scene.spans.lease_s)
    scene.pair.supervise()


@_fault("die-in-catch-up", "the standby is killed while it catches up, three times")
def _(scene: Scene) -> None:
    standby = scene.pair.standby
    standby.kill()
    scene.crew.progress(100)
    for _ in range(3):
        _begin_to_follow(scene, standby)
        standby.kill()
    standby.start()


def _begin_to_follow(scene: Scene, standby: NodeProcess) -> None:
    seen = standby.log().count("following")
    standby.start()
    scene.waits(lambda: standby.log().count("following") > seen)


@_fault("die-alone", "the active node is killed when the standby has left the in-sync set")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    standby.kill()
    scene.crew.progress()
    active.kill()
    standby.start()
    scene.waits(lambda: "not in the in-sync set" in standby.log())
    assert not standby.is_serving
    active.start()


@_fault("both-die", "both nodes are killed")
def _(scene: Scene) -> None:
    for node in scene.pair.nodes:
        node.kill()
    for node in scene.pair.nodes:
        node.start()


@_fault("disk", "the active node is killed, and its disk is gone", is_direct=True)
def _(scene: Scene) -> None:
    lost = scene.pair.active
    lost.kill()
    shutil.rmtree(lost.data_dir)
    scene.crew.progress()
    lost.start()


@_fault("disk-of-standby", "the standby is killed, and its disk is gone")
def _(scene: Scene) -> None:
    lost = scene.pair.standby
    lost.kill()
    shutil.rmtree(lost.data_dir)
    scene.crew.progress()
    lost.start()


# --- networks ---------------------------------------------------------------------------------------------------------


@_fault("part-nodes", "the nodes do not reach each other")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    active.to_link.stall()
    _goes_on_alone(scene, active, standby)
    active.to_link.heal()


@_fault("part-active-from-store", "the active node does not reach the store")
def _(scene: Scene) -> None:
    active = scene.pair.active
    active.to_store.stall()
    scene.waits(lambda: not _reaches_store(active))
    scene.last(scene.spans.lease_s * 2)
    scene.crew.progress()
    assert active.is_serving
    active.to_store.heal()
    scene.waits(lambda: _reaches_store(active))


@_fault("part-standby-from-store", "the standby does not reach the store")
def _(scene: Scene) -> None:
    standby = scene.pair.standby
    standby.to_store.stall()
    scene.last(scene.spans.lease_s * 2)
    scene.crew.progress()
    assert sorted(scene.pair.active.status()["isr"]) == ["a", "b"]
    standby.to_store.heal()


@_fault("part-active", "the active node reaches neither the standby nor the store")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    active.to_store.stall()
    active.to_link.stall()
    scene.waits(lambda: standby.is_serving)
    scene.waits(lambda: not active.is_running)
    scene.crew.progress()
    active.to_store.heal()
    active.to_link.heal()
    active.start()


@_fault("part-standby", "the standby reaches neither the active node nor the store")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    standby.to_store.stall()
    active.to_link.stall()
    _goes_on_alone(scene, active, standby)
    standby.to_store.heal()
    active.to_link.heal()


@_fault("part-all", "nobody reaches anybody but the clients")
def _(scene: Scene) -> None:
    active = scene.pair.active
    for node in scene.pair.nodes:
        node.to_store.stall()
        node.to_link.stall()
    scene.waits(lambda: not active.is_running)  # it may have been replaced, for all it knows
    for node in scene.pair.nodes:
        node.to_store.heal()
        node.to_link.heal()
    active.start()


@_fault("unheard", "the standby hears the active node and is not heard")
def _(scene: Scene) -> None:
    active = scene.pair.active
    active.to_link.stall_one_way()
    scene.waits(lambda: _leads_alone(active))
    scene.crew.progress()
    active.to_link.heal()


@_fault("deaf", "the standby is heard and does not hear the active node")
def _(scene: Scene) -> None:
    active, standby = scene.pair.active, scene.pair.standby
    active.to_link.stall_back()
    _goes_on_alone(scene, active, standby)
    active.to_link.heal()


@_fault("flap", "the link is cut again and again")
def _(scene: Scene) -> None:
    link = scene.pair.active.to_link
    for _ in range(10):
        link.cut()
        scene.last(0.3)
        link.heal()
        scene.crew.progress(5)


@_fault("flap-store", "the connections to the store are cut again and again")
def _(scene: Scene) -> None:
    for _ in range(10):
        for node in scene.pair.nodes:
            node.to_store.cut()
        scene.last(scene.spans.lease_s / 3)
        for node in scene.pair.nodes:
            node.to_store.heal()
        scene.crew.progress(5)


# --- the store --------------------------------------------------------------------------------------------------------


@_fault("store-down", "the store is down")
def _(scene: Scene) -> None:
    scene.pair.store.stop()
    scene.last(scene.spans.outage_s)
    scene.crew.progress()
    scene.pair.store.start()
    scene.waits(lambda: _reaches_store(scene.pair.active))


@_fault("store-down-and-kill", "the store is down, and the active node is killed meanwhile")
def _(scene: Scene) -> None:
    pair = scene.pair
    killed, other = pair.active, pair.standby
    pair.store.stop()
    killed.kill()
    scene.last(scene.spans.outage_s)
    assert not other.is_serving
    pair.store.start()
    scene.crew.progress()
    killed.start()


@_fault("store-wiped", "the store is wiped, and both nodes are started anew as an operator is told to")
def _(scene: Scene) -> None:
    pair = scene.pair
    pair.store.wipe()
    scene.waits(lambda: "wiped or restored" in pair.active.log())
    scene.crew.progress()
    begin_anew(pair.active, pair.standby)


# --- clocks -----------------------------------------------------------------------------------------------------------


@_fault(
    "clock",
    "the clocks of both nodes jump by an hour, each way, before and after a kill",
    True,
    "tests.replication.jumping",
)
def _(scene: Scene) -> None:
    pair = scene.pair
    _jump(pair.active, signal.SIGUSR1)
    _jump(pair.standby, signal.SIGUSR2)
    scene.crew.progress()
    killed = pair.active
    killed.kill()
    scene.crew.progress()
    killed.start()
    pair.until_in_sync()
    for _ in range(2):
        _jump(pair.active, signal.SIGUSR1)
        _jump(pair.standby, signal.SIGUSR1)
    scene.crew.progress()


def _jump(node: NodeProcess, number: int) -> None:
    assert node.process is not None
    node.process.send_signal(number)
