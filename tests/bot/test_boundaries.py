"""The product knows no messenger, and handlers change nothing but through its services."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import ROOT, imported, modules

FOREIGN = ("telegram", "httpx", "bot.messaging", "bot.handlers", "bot.context", "bot.app")
WRITES = {"writing", "storing", "scrub", "clear_out"}
"""What a method of storage calls, itself or through another, when it changes something."""


def test_the_product_imports_no_messenger() -> None:
    offences = [
        (path.name, name)
        for path in modules("bot")
        if path.parent.name == "portraits"
        for name in imported(path)
        if any(name == other or name.startswith(f"{other}.") for other in FOREIGN)
    ]
    assert not offences


@pytest.mark.parametrize("path", sorted((ROOT / "bot/handlers").glob("*.py")), ids=lambda path: path.stem)
def test_handlers_only_read_from_storage(path: Path) -> None:
    allowed = reading_methods()
    offences = [name for name in storage_uses(ast.parse(path.read_text("utf-8"))) if name not in allowed]
    assert not offences


def storage_uses(tree: ast.AST) -> Iterator[str]:
    """How `….storage` is used: the name of the method that is called on it or on a part of it, "" for all else."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "storage":
            last: ast.AST = node
            while isinstance(parents[last], ast.Attribute):
                last = parents[last]
            called = isinstance(parents[last], ast.Call) and isinstance(last, ast.Attribute) and last is not node
            yield last.attr if called and isinstance(last, ast.Attribute) else ""


def reading_methods() -> set[str]:
    """The names of all methods of storage that change nothing."""
    calls: dict[str, set[str]] = {}
    for path in modules("storage"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = (one for one in ast.walk(node) if isinstance(one, ast.Call))
                names = {ast.unparse(one.func).rpartition(".")[2] for one in inside}
                calls[node.name] = calls.get(node.name, set()) | names
    writing = set(WRITES)
    while more := {name for name, called in calls.items() if called & writing} - writing:
        writing |= more
    return calls.keys() - writing | {"now"}


def test_what_writes_is_told_from_what_reads() -> None:
    reading = reading_methods()
    assert {"get", "latest", "results", "history", "counts", "paused", "read"} <= reading
    assert not {"advance", "change", "store_files", "pause", "meet", "forget", "expire", "sent"} & reading
