"""The command where little is as it should be: one sentence, or it works all the same."""

import errno
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.commands.doctor import Finding, port_finding, proxy_finding, temporary_folder_finding
from bot.messaging.proxies import check_proxies, client_options
from bot.portraits.disk_trouble import is_disk_trouble
from bot.settings import SettingsError
from engine import engine_settings

TOKEN = "123456:" + "a" * 35
ROOT = Path(__file__).parents[2]


def throwback(
    *arguments: str, environment: Mapping[str, str], shell: str = "", **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command with this environment alone; `shell` is what stands around it in a shell."""
    command = [sys.executable, "-m", "bot.cli", *arguments]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | dict(environment)
    return subprocess.run(
        command, check=False, env=kept, capture_output=True, text=True, errors="replace", timeout=300, **options
    )


def only_line(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 1, finished.stderr
    (line,) = finished.stderr.splitlines()
    assert line.startswith("throwback: ") and "something went wrong" not in line
    return line


def test_a_proxy_that_is_none_is_named(tmp_path: Path) -> None:
    environment = {"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": str(tmp_path), "ALL_PROXY": "socks9://127.0.0.1:7890"}
    assert "ALL_PROXY" in only_line(throwback("run", environment=environment))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http"])
def test_a_proxy_that_nobody_answers_at_is_a_way_that_is_not_there(tmp_path: Path, scheme: str) -> None:
    environment = {"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": str(tmp_path), "ALL_PROXY": f"{scheme}://127.0.0.1:9"}
    line = only_line(throwback("run", environment=environment))
    assert "no way to https://api.telegram.org" in line and "proxy" in line


def test_no_proxy_leads_to_this_machine() -> None:
    assert client_options("http://127.0.0.1:8081") == {"trust_env": False}
    assert client_options("https://api.telegram.org") == {"trust_env": True}


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:7890", "http://u:p@proxy:3128", "proxy:3128"])
def test_proxies_that_can_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("ALL_PROXY", address)
    check_proxies()
    assert proxy_finding() is None


def test_doctor_foresees_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "ftp://proxy")
    with pytest.raises(SettingsError, match="https_proxy"):
        check_proxies()
    assert isinstance(proxy_finding(), Finding)


def test_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", nobody)
    with pytest.raises(SettingsError, match="THROWBACK_HOME"):
        engine_settings({"THROWBACK_HOME": "~/throwback"})


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_json_where_there_is_ascii_only(tmp_path: Path, variables: dict[str, str]) -> None:
    name = "ünï🐶.jpg"
    (tmp_path / name).write_bytes(b"no picture")
    finished = throwback(
        "recognise", "--json", name, environment=variables | {"THROWBACK_HOME": str(tmp_path)}, cwd=tmp_path
    )
    assert finished.returncode == 3, finished.stderr
    assert json.loads(finished.stdout)["error"] == "not_an_image"


def test_standard_output_that_is_closed_or_full(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no picture")
    for shell in (">&-", ">/dev/full"):
        finished = throwback(
            "recognise",
            "--json",
            str(tmp_path / "photo.jpg"),
            environment={"THROWBACK_HOME": str(tmp_path)},
            shell=shell,
        )
        assert "standard output" in only_line(finished)


def test_standard_error_that_is_closed(tmp_path: Path) -> None:
    environment = {"THROWBACK_HOME": str(tmp_path)}
    assert throwback("run", environment=environment, shell="2>&-").returncode == 1


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"no picture")
    finished = throwback(
        "render", str(photo), "--out", str(tmp_path / ("x" * 300)), environment={"THROWBACK_HOME": str(tmp_path)}
    )
    assert finished.returncode == 1 and "name too long" in finished.stderr.lower()
    long = tmp_path / f"{'y' * 248}.jpg"
    long.write_bytes(b"no picture")
    finished = throwback("render", str(long), "--out", str(tmp_path), environment={"THROWBACK_HOME": str(tmp_path)})
    assert finished.returncode == 1 and "name too long" in finished.stderr.lower()


def test_data_that_nobody_else_may_see(tmp_path: Path) -> None:
    environment = {"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": str(tmp_path / "home")}
    environment |= {"THROWBACK_API_URL": "http://127.0.0.1:9"}
    finished = throwback("run", environment=environment, umask=0)
    assert "no way to" in only_line(finished)
    made = [tmp_path / "home", *(tmp_path / "home").iterdir()]
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_a_strange_umask_does_not_keep_the_bot_from_its_own_files(tmp_path: Path) -> None:
    environment = {"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": str(tmp_path / "home")}
    environment |= {"THROWBACK_API_URL": "http://127.0.0.1:9"}
    assert "no way to" in only_line(throwback("run", environment=environment, umask=0o777))


def test_what_a_disk_refuses_is_no_defect() -> None:
    assert is_disk_trouble(OSError(errno.ENOSPC, "No space left on device"))
    assert is_disk_trouble(sqlite3.OperationalError("database or disk is full"))
    assert is_disk_trouble(sqlite3.OperationalError("attempt to write a readonly database"))
    assert not is_disk_trouble(FileNotFoundError(errno.ENOENT, "gone"))
    assert not is_disk_trouble(sqlite3.OperationalError("no such column: x"))


def test_doctor_foresees_a_temporary_folder_that_is_missing_or_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert temporary_folder_finding(str(tmp_path)).state == "good"
    assert temporary_folder_finding(str(tmp_path), least_free_bytes=1 << 60).state == "later"
    assert temporary_folder_finding(str(tmp_path / "missing")).state == "later"


def test_doctor_foresees_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port_finding("THROWBACK_METRICS_PORT", port).state == "bad"
    assert port_finding("THROWBACK_METRICS_PORT", port).state == "good"


def test_it_stops_within_five_seconds_when_telegram_hangs(tmp_path: Path) -> None:
    """Telegram takes the connection and says nothing, and everybody in the process group is told to stop."""
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        environment = {"THROWBACK_API_URL": f"http://127.0.0.1:{hanging.getsockname()[1]}"}
        environment |= {"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "run"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environment,
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        connection, _ = hanging.accept()
        with connection:
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(60) == 0
            assert time.monotonic() - began < 5.5
