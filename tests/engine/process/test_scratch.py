"""Temporary files go with their process, or with the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.process.scratch import scratch_folder


def test_it_is_this_process_s_own_and_goes_on_leaving(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with scratch_folder(tmp_path / "scratch") as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
    assert not folder.exists()
    assert tempfile.gettempdir() == before


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        for name in (str(living.pid), str(dead.pid), str(os.getpid()), "other"):
            (tmp_path / name / "film-x").mkdir(parents=True)
        with scratch_folder(tmp_path) as folder:
            assert list(folder.iterdir()) == []
            assert {path.name for path in tmp_path.iterdir()} == {str(living.pid), "other", str(os.getpid())}


def test_without_a_place_the_system_s_serves(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with scratch_folder(tmp_path / "file" / "scratch") as folder:
        assert folder == Path(tempfile.gettempdir())
