"""The doctor finds what is wrong, says it in our own words, and shows no token."""

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot import cli
from bot.commands.doctor import (
    CheckState,
    bot_findings,
    database_finding,
    engine_findings,
    ffmpeg_finding,
    home_finding,
)
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve
from engine import EngineSettings
from storage import Storage
from tests.scripted_engine import SCRIPTED, Script, scripted_photo

TOKEN = "123456:abcdefghijklmnopqrstuvwxyz012345678"


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine process that answers at once; what the real one says of itself is tested with it."""
    monkeypatch.setattr("engine.process.client.COMMAND", SCRIPTED)


async def test_ffmpeg_is_tried() -> None:
    finding = await asyncio.to_thread(ffmpeg_finding)
    assert finding.state is CheckState.GOOD
    assert "libx264" in finding.says


def test_an_ffmpeg_that_cannot_run_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: "/nowhere/ffmpeg")
    finding = ffmpeg_finding()
    assert finding.state is CheckState.BAD
    assert "FileNotFoundError" in finding.says
    assert finding.advice


def test_the_data_folder_may_be_missing_but_not_impossible(tmp_path: Path) -> None:
    assert home_finding(tmp_path / "new" / "home").state is CheckState.GOOD
    (tmp_path / "file").touch()
    assert home_finding(tmp_path / "file" / "home").state is CheckState.BAD


def test_a_full_disk_is_found(tmp_path: Path) -> None:
    finding = home_finding(tmp_path / "new", min_free_bytes=1 << 80)
    assert finding.state is CheckState.BAD and "left" in finding.says


async def test_the_database_is_none_sound_or_damaged(tmp_path: Path) -> None:
    file = tmp_path / "throwback.sqlite3"
    assert database_finding(file).facts == {"database": "none"}
    async with Storage(tmp_path):
        assert database_finding(file).facts == {"database": "ok"}
    file.write_bytes(b"no database" * 1000)
    assert database_finding(file).state is CheckState.BAD
    assert "move it away" in database_finding(file).advice


async def test_a_database_of_a_newer_version_is_found(tmp_path: Path) -> None:
    async with Storage(tmp_path):
        pass
    file = tmp_path / "throwback.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO migrations VALUES (9999, 'future')")
    finding = database_finding(file)
    assert (finding.state, finding.facts) == (CheckState.BAD, {"database": "newer"})


def test_a_database_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    """It may be sound: whoever moves it away would lose it."""
    file = tmp_path / "throwback.sqlite3"
    file.write_bytes(b"")  # as a full disk leaves it
    finding = database_finding(file)
    assert (finding.state, finding.facts) == (CheckState.BAD, {"database": "unreadable"})
    assert "move it away" not in finding.advice


async def test_without_a_token_the_playground_still_works() -> None:
    (finding,) = await bot_findings({})
    assert finding.state is CheckState.LATER
    assert "BotFather" in finding.advice


async def test_every_wrong_variable_is_named() -> None:
    wrong = {"THROWBACK_ENGINE": "here", "THROWBACK_ADMINS": "everybody", "THROWBACK_METRICS_PORT": "0"}
    findings = await bot_findings(wrong)
    assert [one.says.split()[0] for one in findings if one.state is CheckState.BAD] == [
        "THROWBACK_ENGINE",
        "THROWBACK_ADMINS",
        "THROWBACK_METRICS_PORT",
    ]


async def test_the_token_is_tried(tmp_path: Path) -> None:
    async with serve(FakeTelegram(tmp_path / "playground")) as address:
        good, _ = await bot_findings({"THROWBACK_TOKEN": address.token, "THROWBACK_API_URL": address.url})
        (unknown,) = await bot_findings({"THROWBACK_TOKEN": TOKEN, "THROWBACK_API_URL": address.url})
    (gone,) = await bot_findings({"THROWBACK_TOKEN": TOKEN, "THROWBACK_API_URL": address.url})
    assert (good.state, unknown.state, gone.state) == (CheckState.GOOD, CheckState.BAD, CheckState.BAD)
    assert good.facts == {"token": "ok"}
    assert unknown.facts == {"token": "unknown"}
    assert gone.facts == {"token": "unreachable"}
    assert not any(secret in str(one) for one in (good, unknown, gone) for secret in (TOKEN, address.token))


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
async def test_inline_mode_is_mentioned(tmp_path: Path, on: bool) -> None:
    telegram = FakeTelegram(tmp_path / "playground")
    telegram.inline_mode = on
    async with serve(telegram) as address:
        _, inline = await bot_findings({"THROWBACK_TOKEN": address.token, "THROWBACK_API_URL": address.url})
    assert (inline.state, inline.facts) == (CheckState.GOOD if on else CheckState.LATER, {"inline": on})
    assert ("/setinline" in inline.advice) is not on


async def test_the_engine_describes_itself(tmp_path: Path) -> None:
    findings = await engine_findings(EngineSettings(tmp_path))
    facts = {name: value for finding in findings for name, value in (finding.facts or {}).items()}
    assert facts == {"device": "cpu", "networks": ["scripted"], "extractor": "none"}


async def test_a_gpu_that_is_not_there_is_no_reason_to_reinstall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.process.client.COMMAND", (sys.executable, "-m", "engine", "serve"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (finding,) = await engine_findings(EngineSettings(tmp_path, device="cuda"))
    assert "THROWBACK_DEVICE is cuda" in finding.says
    assert "auto" in finding.advice and "reinstall" not in finding.advice


async def test_an_engine_that_cannot_look_at_pictures_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.commands.doctor._grey_picture", lambda: scripted_photo(Script.NOT_AN_IMAGE))
    findings = await engine_findings(EngineSettings(tmp_path))
    assert [one.part for one in findings if one.state is CheckState.BAD] == ["recognition"]


async def test_a_network_that_is_not_here_is_found(tmp_path: Path) -> None:
    (wrong,) = [
        one for one in await engine_findings(EngineSettings(tmp_path, network="nosuch")) if one.state is CheckState.BAD
    ]
    assert "THROWBACK_NETWORK" in wrong.says and "nosuch" in wrong.says


def test_all_of_it_as_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path))
    monkeypatch.delenv("THROWBACK_TOKEN", raising=False)
    assert cli.main(["doctor", "--json"]) == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert record["ok"]
    assert record["device"] == "cpu"
    assert record["networks"] == ["scripted"]
    assert record["database"] == record["token"] == "none"
    assert {check["part"] for check in record["checks"]} >= {"device", "networks", "ffmpeg", "data folder", "token"}
    assert len(said.err.splitlines()) >= len(record["checks"])
    monkeypatch.setenv("THROWBACK_DEVICE", "abacus")
    assert cli.main(["doctor", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_an_engine_that_does_not_start_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.process.client.COMMAND", ("/nowhere/python",))
    (finding,) = asyncio.run(engine_findings(EngineSettings(tmp_path)))
    assert finding.state is CheckState.BAD
    assert "does not start" in finding.says
