"""Names are unique in the whole repository, and functions fit on a screen."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import ROOT, modules

PACKAGES = ("bot", "engine", "storage")
SHARED_NAMES = {"__init__", "__main__", "cli", "errors", "settings"}  # what a package calls these is a convention
LONGEST_FUNCTION = 50  # lines


def files() -> list[Path]:
    return [path for package in PACKAGES for path in modules(package)]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_has_the_name_of_another() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in files():
        places[path.stem].append(relative(path))
    assert not {name: where for name, where in places.items() if len(where) > 1 and name not in SHARED_NAMES}


def test_no_class_has_the_name_of_another() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in files():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(relative(path))
    assert not {name: where for name, where in places.items() if len(where) > 1}


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_fit_on_a_screen(package: str) -> None:
    long = [
        f"{relative(path)}:{function.lineno} {function.name}"
        for path in modules(package)
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
