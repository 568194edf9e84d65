"""The wheel: it holds what runs and nothing that only trains, and works where there is no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = ROOT / "bot" / "pictures" / "start.jpg"
WHEEL_MAX_BYTES = 40_000_000  # what a slow line fetches in a minute or two
LEFT_OUT = (
    "engine/lab/judging",
    "engine/lab/methods",
    "engine/lab/recogniser",
    "engine/lab/storybook",
    "tests",
    ".github",
)

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that no folder `build` stays behind and none that is there gets in."""
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in ("bot", "engine", "storage"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "PACKAGE.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(copy))
    (file,) = built.glob("throwback-*.whl")
    return file


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and with the dependencies of the one that runs the tests."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip(
        "--python",
        str(environment / "bin" / "python"),
        "install",
        "--no-deps",
        "--no-index",
        "--force-reinstall",
        wheel,
    )
    return environment


def pip(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(environment: Path, folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in `folder`, out of reach of the checkout."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "THROWBACK_"))}
    variables |= {"THROWBACK_HOME": str(folder / "home"), "THROWBACK_DEVICE": "cpu"}
    program = [str(environment / "bin" / command), *arguments]
    return subprocess.run(program, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_it_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = {
        *(path for path in ROOT.glob("bot/texts/**/*.toml")),
        *(path for path in ROOT.glob("bot/playground/page/*")),
        *(path for path in ROOT.glob("engine/**/*.safetensors") if not is_left_out(path.relative_to(ROOT).as_posix())),
        *(path for path in ROOT.glob("engine/fonts/*")),
        *(path for path in ROOT.glob("engine/weights/**/*.json")),
        *(path for path in ROOT.glob("storage/migrations/*.sql")),
        *(path for path in ROOT.glob("*/py.typed")),
        START,
    }
    assert {path.relative_to(ROOT).as_posix() for path in data} <= names
    assert not [name for name in names if is_left_out(name)]
    assert not [name for name in names if name.endswith((".jpg", ".jsonl")) and not name.endswith("start.jpg")]
    assert wheel.stat().st_size < WHEEL_MAX_BYTES
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"bot", "engine", "storage"}


def is_left_out(name: str) -> bool:
    return name.startswith(LEFT_OUT)


def test_it_makes_a_portrait_where_there_is_no_checkout(environment: Path, tmp_path: Path) -> None:
    found = run(environment, tmp_path, "python", "-c", "import engine; print(engine.__file__)")
    assert Path(found.stdout.strip()).is_relative_to(environment), found.stderr
    done = run(environment, tmp_path, "throwback", "render", str(START), "--breed", "dachshund", "--out", "young")
    assert done.returncode == 0, done.stderr
    made = {path.suffix for path in (tmp_path / "young").iterdir()}
    assert {".jpg", ".mp4"} <= made


def test_it_measures_with_drawn_pets_and_says_that_nothing_trains(environment: Path, tmp_path: Path) -> None:
    done = run(environment, tmp_path, "python", "-m", "engine", "bench", "draw", "--count", "1", "--out", "drawn")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 1
    done = run(environment, tmp_path, "throwback", "bench", "pictures", "--count", "1", "--json")
    assert done.returncode == 0, done.stderr
    done = run(environment, tmp_path, "python", "-m", "engine", "lab", "storybook", "sheet", "breeds.png")
    assert done.returncode == 1
    assert done.stderr == "throwback: what trains is not installed; run this in a checkout of the repository\n"
