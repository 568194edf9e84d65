"""What documents say of the code is there: files, links, and the states of a portrait."""

import re
from pathlib import Path

import pytest

from engine.__main__ import COMMANDS
from engine.lab.cli import GROUPS
from storage.records import PREDECESSORS
from tests.test_imports import ROOT

DOCUMENTS = sorted(
    [path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"]  # which tells of what was there then
    + [path for folder in (".github", "bot", "engine", "storage", "tests") for path in (ROOT / folder).rglob("*.md")]
)
FORGE = "../../actions/"  # a page of the site where the repository is, beside the one that shows README.md
PLACEHOLDER = r"\*|CODE"
PACKAGE_PAGES = [ROOT / package / "README.md" for package in ("bot", "engine", "storage")]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
    local = [target for target in targets if "://" not in target and not target.startswith(FORGE)]
    assert not [target for target in local if not (document.parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_paths_are_there(document: Path) -> None:
    words = re.findall(r"`((?:bot|engine|storage|tests)/[\w./*-]+)`", document.read_text("utf-8"))
    assert not [word for word in words if not re.search(PLACEHOLDER, word) and not (ROOT / word).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_commands_are_there(document: Path) -> None:
    text = document.read_text("utf-8")
    groups = re.findall(r"python -m engine lab ([a-z]+)", text)
    assert set(re.findall(r"python -m engine ([a-z]+)", text)) <= set(COMMANDS)
    assert set(groups) <= set(GROUPS)


@pytest.mark.parametrize("page", PACKAGE_PAGES, ids=named)
def test_modules_of_architecture_pages_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    files = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*.py")}
    known = files | {file.rpartition("/")[2] for file in files}
    assert not [
        word for word in re.findall(r"`([\w/]+\.py)`", text) if word not in known and not (ROOT / word).exists()
    ]


def test_the_states_of_a_portrait_are_drawn_as_they_are() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+)$", (ROOT / "storage/README.md").read_text("utf-8"), re.MULTILINE)
    allowed = [(before.value, state.value) for state, states in PREDECESSORS.items() for before in states]
    assert sorted(drawn) == sorted(allowed)
