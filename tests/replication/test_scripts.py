"""What the active node decides, as scripts: what happens, and below a line what it does about it.

A script opens with the fault that it shows. `MQBROKER_REWRITE=1` writes the output anew; read what has changed.

    lead a epoch=1 isr=a,b          this node is elected
    durable 5                       batches up to that one last here
    link b / unlink b               a standby's link begins or ends
    ack b 5 [following]             it acknowledges; `following`: its log is whole and it gets what is written
    tick 500                        so many milliseconds pass
    settled epoch=1 leader=a isr=a  the store has answered to a change
    renewed epoch=1 leader=a isr=a  the store has answered to something else
    cut off                         the store has not answered for as long as a lease lasts
"""

import os
from pathlib import Path

import pytest

from mqbroker.replication.ballot import Ballot
from mqbroker.replication.leader import Effect, Leader, Propose, Release, Require, StepDown
from mqbroker.storage.gate import Gate

FOLDER = Path(__file__).parent / "scripts"
SCRIPTS = sorted(FOLDER.glob("*.txt"))
LINE = "----"


class Stage:
    """A leader and its gate."""

    def __init__(self) -> None:
        self.now = 0
        self.gate = Gate(0)
        self.leader: Leader | None = None
        self.revision = 1

    def play(self, command: str) -> str:
        """Does what the line says; what comes of it."""
        words = command.split()
        values = dict(word.split("=") for word in words if "=" in word)
        effects = self._effects(words, values)
        said = [self._do(effect) for effect in effects]
        assert self.leader is not None
        waits = ", ".join(sorted(self.leader.required)) or "nobody"
        return "\n".join([*said, f"confirmed up to {self.gate.committed}, waits for {waits}"])

    def _effects(self, words: list[str], values: dict[str, str]) -> list[Effect]:
        match words[0]:
            case "lead":
                ballot = self._ballot({**values, "leader": words[1]})
                least = int(values.get("min", "1"))
                silent = tuple(filter(None, values.get("replaced", "").split(",")))
                self.leader = Leader(ballot, self.gate, self.now, 3000, least, silent)
                return self.leader.begin()
            case "durable":
                self.gate.durable(int(words[1]))
                return []
        return self._members(words, values)

    def _members(self, words: list[str], values: dict[str, str]) -> list[Effect]:
        leader = self.leader
        assert leader is not None
        match words[0]:
            case "link":
                return leader.linked(words[1], self.now)
            case "unlink":
                return leader.unlinked(words[1], self.now)
            case "ack":
                self.gate.acknowledged(words[1], int(words[2]))
                return leader.heard(words[1], int(words[2]), "following" in words, self.now)
            case "tick":
                self.now += int(words[1])
                return leader.tick(self.now)
            case "settled":
                return leader.settled(self._ballot(values), self.now)
            case "renewed":
                return leader.renewed(self._ballot(values), self.now)
            case "cut":
                return leader.cut_off(self.now)
        raise AssertionError(f"there is no command {words[0]}")

    def _ballot(self, values: dict[str, str]) -> Ballot:
        self.revision += 1
        isr = frozenset(values["isr"].split(","))
        return Ballot("cluster", int(values["epoch"]), values["leader"], "", isr, self.revision, True)

    def _do(self, effect: Effect) -> str:
        match effect:
            case Require(member, lsn):
                self.gate.require(member, lsn)
                return f"require {member}, which has {lsn if lsn >= 0 else 'nothing yet'}"
            case Release(member):
                self.gate.release(member)
                return f"release {member}"
            case Propose(isr):
                return f"ask the store for {', '.join(sorted(isr))}"
            case StepDown(reason):
                return f"step down: {reason}"


def played(text: str) -> str:
    """The script with its output."""
    stage, lines = Stage(), []
    is_output = False
    for line in text.splitlines():
        if line == LINE:
            is_output = True
        elif not line:
            is_output = False
            lines.append("")
        elif line.startswith("#"):
            lines.append(line)
        elif not is_output:
            lines += [line, LINE, stage.play(line)]
    return "\n".join(lines).rstrip() + "\n"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_has_its_output(path: Path) -> None:
    """The output is what a reader has agreed to."""
    text = path.read_text()
    found = played(text)
    if os.environ.get("MQBROKER_REWRITE"):
        path.write_text(found)
    assert found == text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_opens_with_the_fault_that_it_shows(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
