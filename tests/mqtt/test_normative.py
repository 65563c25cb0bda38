"""The checklist of normative.py names tests that exist, and leaves no gap in the specifications' numbering."""

import re
from pathlib import Path

import pytest

from tests.mqtt.normative import V3_1_1, V5

FOLDER = Path(__file__).parent
_NAME = re.compile(r"((codec|net)\.)?\w+\.\w+")
_FUNCTION = re.compile(r"^ *(?:async )?def (\w+)", re.MULTILINE)

# Numbers that the final text of a specification leaves out.
SKIPPED = {"2.2.1-1", "3.8.3-0"}


def functions_of(module: str) -> set[str]:
    folder, _, name = module.rpartition(".")
    place = FOLDER.parent if folder == "net" else FOLDER
    return set(_FUNCTION.findall((place / folder / f"test_{name}.py").read_text()))


@pytest.mark.parametrize("checklist", [V5, V3_1_1], ids=["5.0", "3.1.1"])
def test_every_test_on_the_checklist_exists(checklist: dict[str, str]) -> None:
    for statement, value in checklist.items():
        if _NAME.fullmatch(value):
            module, _, name = value.rpartition(".")
            assert f"test_{name}" in functions_of(module), statement


@pytest.mark.parametrize(("checklist", "count"), [(V5, 251), (V3_1_1, 141)], ids=["5.0", "3.1.1"])
def test_there_are_as_many_statements_as_appendix_b_lists(checklist: dict[str, str], count: int) -> None:
    assert len(checklist) == count


@pytest.mark.parametrize("checklist", [V5, V3_1_1], ids=["5.0", "3.1.1"])
def test_the_numbers_of_each_section_have_no_gap(checklist: dict[str, str]) -> None:
    last: dict[str, int] = {}
    for statement in checklist:
        section, _, number = statement.rpartition("-")
        last[section] = max(last.get(section, 0), int(number))
    wanted = {f"{section}-{number}" for section, count in last.items() for number in range(1, count + 1)}
    missing = wanted - set(checklist) - SKIPPED - {f"3-8.3-{number}" for number in range(1, 4)}
    assert missing == set()
