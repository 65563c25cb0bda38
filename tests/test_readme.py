"""What README.md and docs/ show works as pasted: examples run against a broker, and what is referred to exists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import node_modules
from tests.clients.worker_process import WorkerProcess
from tests.support.broker_process import BrokerProcess

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
README = PAGES[0].read_text()
CLIENTS = (ROOT / "docs" / "clients.md").read_text()
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text()
README_LINES_MAX = 170
TIMEOUT_S = 40


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("readme") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("amqp", "mqtt", "aws")) as running:
        yield running


def examples(page: str, language: str, broker: BrokerProcess) -> list[str]:
    """The blocks of code in that language, in order, with the broker's own ports."""
    found = []
    for code in re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        code = str(code).replace("localhost:5672", f"localhost:{broker.ports['amqp']}")
        code = code.replace("localhost:9324", f"localhost:{broker.ports['aws']}")
        found.append(code.replace("port=1883", f"port={broker.ports['mqtt']}"))
    return found


def output_of(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(4 * TIMEOUT_S)
def test_the_examples_of_the_readme_run_in_order_on_one_broker(broker: BrokerProcess, tmp_path: Path) -> None:
    """The second example failed on the broker on which the first had run."""
    printed = []
    for number, code in enumerate(examples(README, "python", broker)):
        path = tmp_path / f"example{number}.py"
        path.write_text(code)
        printed.append(output_of([sys.executable, path.name], tmp_path))
    assert printed == ["received: three teapots\n", "received: sensors.kitchen 21.5\n", "received: forty-two euros\n"]


def test_the_node_example_publishes_and_consumes(broker: BrokerProcess) -> None:
    node_modules.prepare()
    (code,) = (each for each in examples(CLIENTS, "js", broker) if "amqplib" in each)
    (node_modules.FOLDER / "readme.mjs").write_text(code)
    assert output_of(["node", "readme.mjs"], node_modules.FOLDER) == "received: hello\n"


def test_the_celery_example_gives_back_a_result(broker: BrokerProcess, tmp_path: Path) -> None:
    (code,) = (each for each in examples(CLIENTS, "python", broker) if "from celery" in each)
    (tmp_path / "tasks.py").write_text(code)
    call = re.search(r"^python -c '(.*)'$", CLIENTS, re.MULTILINE)
    assert call is not None
    with WorkerProcess("tasks", tmp_path, {}, "--pool=solo"):
        assert output_of([sys.executable, "-c", call[1]], tmp_path) == "5\n"


def sections_of(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_section_that_is_linked_exists(page: Path) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        name, _, section = target.partition("#")
        linked = (page.parent / name) if name else page
        if not linked.exists() or (section and section not in sections_of(linked)):
            missing.append(target)
    assert missing == []


def test_every_page_is_linked_from_the_readme() -> None:
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in README] == []


def test_the_readme_leads_and_does_not_explain_everything() -> None:
    assert len(README.splitlines()) <= README_LINES_MAX


def test_the_benchmark_table_has_its_place() -> None:
    assert BENCHMARKS.count("<!-- bench:begin -->") == BENCHMARKS.count("<!-- bench:end -->") == 1


def test_the_headline_figures_are_those_of_the_table() -> None:
    """A figure in README.md that no run has given."""
    cells = {cell.strip() for line in BENCHMARKS.splitlines() for cell in line.strip("|").split("|")}
    rows = [line for line in README.splitlines() if re.match(r"\| [\w-]+: ", line)]
    assert rows
    for row in rows:
        name, peer, ours = (cell.strip() for cell in row.strip("|").split("|"))
        assert {name, peer.partition(" ")[2], ours} <= cells
