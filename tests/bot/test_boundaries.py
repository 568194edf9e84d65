"""Handlers change nothing but through the services of the product."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import ROOT, modules

WRITES = {"writing", "execute", "storing", "scrub", "clear_out"}
"""What a method of storage calls when it changes something."""


@pytest.mark.parametrize("path", sorted((ROOT / "bot/handlers").glob("*.py")), ids=lambda path: path.stem)
def test_handlers_only_read_from_storage(path: Path) -> None:
    allowed = reading_methods()
    offences = [name for name in storage_uses(ast.parse(path.read_text("utf-8"))) if name not in allowed]
    assert not offences


def storage_uses(tree: ast.AST) -> Iterator[str]:
    """What is called on `….storage`, such as ``portraits.get``; "" where it is used in any other way."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "storage":
            last: ast.AST = node
            while isinstance(parents[last], ast.Attribute):
                last = parents[last]
            called = ast.unparse(last).rpartition(".storage.")[2] if isinstance(parents[last], ast.Call) else ""
            yield "" if called == ast.unparse(last) else called


def reading_methods() -> set[str]:
    """What may be called on a `Storage` and changes nothing, such as ``portraits.get``."""
    calls = {name: set(called) for name, called in storage_calls()}
    writing = {name for name, called in calls.items() if {one.rpartition(".")[2] for one in called} & WRITES}
    while more := {name for name, called in calls.items() if called & writing} - writing:
        writing |= more
    return {"now", *calls} - writing


def storage_calls() -> Iterator[tuple[str, Iterator[str]]]:
    """All methods that can be called on a `Storage`, such as ``portraits.get``, and what each calls."""
    classes = {
        node.name: node
        for path in modules("storage")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    tables = {
        node.targets[0].attr: ast.unparse(node.value.func)
        for node in ast.walk(classes["Storage"])
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Call)
    }
    for table, name in {"": "Storage", **tables}.items():
        for method in classes[name].body if name in classes else ():
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                prefix = f"{table}." if table else ""
                inside = (ast.unparse(one.func) for one in ast.walk(method) if isinstance(one, ast.Call))
                yield prefix + method.name, (prefix + one.removeprefix("self.") for one in inside)


def test_what_writes_is_told_from_what_reads() -> None:
    reading = reading_methods()
    assert {"portraits.get", "lookup.latest", "results.of", "counts", "paused", "media.read", "now"} <= reading
    writing = {"portraits.advance", "portraits.change", "portraits.store_files", "portraits.delete", "results.sent"}
    assert not {*writing, "people.meet", "messages.record", "pause", "expire"} & reading
