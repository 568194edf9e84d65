"""`throwback doctor`: checks what works on this machine, and says what to do about the rest."""

import argparse
import asyncio
import io
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.commands.output import FAULT_STATUS, emit, say
from bot.messaging.proxies import check_proxies, client_options
from bot.messaging.telegram_request import TelegramRequest
from bot.playground.loopback import is_loopback
from bot.settings import TELEGRAM_URL, Settings
from engine import EngineClient, EngineError, EngineSettings, SettingsError, engine_settings
from storage import newest_migration

_CHECK_TIMEOUT_S = 20  # s for ffmpeg, and for Telegram; longer delays the verdict
_CLUSTER_TIMEOUT_S = 120  # s for a cluster to start or to be joined, and for an engine there to load
_MIN_FREE_BYTES = 100 << 20  # bytes; the space of a few dozen portraits


class CheckState(StrEnum):
    GOOD = "good"
    LATER = "later"  # not needed for everything
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found out about one part."""

    state: CheckState
    part: str
    says: str
    advice: str = ""
    facts: Mapping[str, Any] | None = None  # for --json


_good = partial(Finding, CheckState.GOOD)
_later = partial(Finding, CheckState.LATER)
_bad = partial(Finding, CheckState.BAD)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the findings as a JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_examine(args.json))


async def _examine(as_json: bool) -> int:
    findings = []
    async for finding in _findings(os.environ):
        findings.append(finding)
        sign = {CheckState.GOOD: "ok  ", CheckState.LATER: "-   ", CheckState.BAD: "BAD "}[finding.state]
        say(f"{sign}{finding.part}: {finding.says}")
        if finding.advice:
            say(f"    → {finding.advice}")
    good = all(finding.state is not CheckState.BAD for finding in findings)
    if as_json:
        facts = {name: value for finding in findings for name, value in (finding.facts or {}).items()}
        checks = [
            {"part": one.part, "state": one.state, "says": one.says, "advice": one.advice or None} for one in findings
        ]
        emit({"ok": good, **facts, "checks": checks})
    return 0 if good else FAULT_STATUS


async def _findings(environment: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        settings = engine_settings(environment)
    except SettingsError as error:
        yield _bad("settings", str(error), "correct the variable; everything else depends on it")
        return
    for finding in await engine_findings(settings):
        yield finding
    yield await asyncio.to_thread(ffmpeg_finding)
    yield home_finding(settings.home)
    yield temporary_folder_finding()
    yield database_finding(settings.home / "throwback.sqlite3")
    for finding in await bot_findings(environment):
        yield finding


async def engine_findings(settings: EngineSettings) -> list[Finding]:
    """Start the engine process, and check that it describes itself and looks at a picture."""
    again = "reinstall with `pip install --force-reinstall .`"
    try:
        async with EngineClient(settings) as engine, asyncio.timeout(_CLUSTER_TIMEOUT_S if settings.cluster else None):
            description = await engine.describe()
            try:
                await engine.recognise(_grey_picture())
                seeing = _good("recognition", "it looks at pictures")
            except EngineError as error:
                seeing = _bad("recognition", f"it does not work ({error})", again)
    except TimeoutError:
        says, advice = "no engine answers on the cluster", "see that it runs (`ray status`) and has room for an engine"
        return [_bad("cluster", says, advice, {"device": None, "networks": []})]
    except EngineError as error:
        refused = "THROWBACK_DEVICE" in str(error)  # no reinstalling brings a GPU
        advice = "set it to auto; see that PyTorch finds the GPU, if there is one" if refused else again
        return [_bad("engine", f"it does not work ({error})", advice, {"device": None, "networks": []})]
    networks = ", ".join(description.networks)
    facts = {"networks": list(description.networks)}
    advice = f"`throwback networks pull afhqdog`, or {again} to get the embedded one"
    having = _good("networks", networks, facts=facts) if networks else _bad("networks", "none", advice, facts)
    absent = []
    if settings.network and settings.network not in description.networks:
        says = f"THROWBACK_NETWORK names {settings.network!r}, which is not here"
        absent.append(_bad("network", says, "correct it, or see `throwback networks list`"))
    return [
        _good("device", description.device, facts={"device": description.device}),
        having,
        *absent,
        _good("perceptual distance", description.extractor, facts={"extractor": description.extractor}),
        seeing,
        *(_later("note", note) for note in description.notes),
    ]


def _grey_picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (256, 256), "grey").save(stream, "PNG")
    return stream.getvalue()


def ffmpeg_finding() -> Finding:
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-encoders"]
        listed = subprocess.run(command, capture_output=True, check=True, timeout=_CHECK_TIMEOUT_S, text=True).stdout  # noqa: S603 - a fixed list
        version = imageio_ffmpeg.get_ffmpeg_version()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        advice = "`pip install --force-reinstall imageio-ffmpeg`, or set IMAGEIO_FFMPEG_EXE to an ffmpeg of yours"
        return _bad("ffmpeg", f"it cannot be run ({type(error).__name__})", advice, {"ffmpeg": None})
    if "libx264" not in listed:
        return _bad("ffmpeg", f"{version} has no libx264", "unset IMAGEIO_FFMPEG_EXE", {"ffmpeg": None})
    return _good("ffmpeg", f"{version} with libx264", facts={"ffmpeg": version})


def home_finding(home: Path, min_free_bytes: int = _MIN_FREE_BYTES) -> Finding:
    facts = {"home": str(home)}
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return _bad("data folder", f"{home} cannot be written to", "set THROWBACK_HOME to another", facts)
    free = shutil.disk_usage(existing).free
    if free < min_free_bytes:
        says = f"the disk of {home} has only {free >> 20} MB left"
        return _bad("data folder", says, "make room, or set THROWBACK_HOME to another", facts)
    return _good("data folder", f"{home}{'' if home.exists() else ' (made when needed)'}", facts=facts)


def database_finding(file: Path) -> Finding:
    if not file.exists():
        return _good("database", "none yet; it is made at the first start", facts={"database": "none"})
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
            (portraits,) = database.execute("SELECT count(*) FROM portraits").fetchone()
            (version,) = database.execute("SELECT max(number) FROM migrations").fetchone()
    except sqlite3.OperationalError:  # of a sound one, too: in a folder where nothing can be written, say
        advice = "see that you may write to the data folder, and that its disk is not full"
        return _bad("database", "it cannot be read", advice, {"database": "unreadable"})
    except sqlite3.Error as error:
        verdict = type(error).__name__
    if verdict != "ok":
        advice = "move it away, with what lies beside it, and start again, or bring back a copy of it"
        return _bad("database", f"damaged ({verdict})", advice, {"database": "damaged"})
    if version > newest_migration():
        says, advice = "of a newer version of Throwback", "install that version again, or set THROWBACK_HOME to another"
        return _bad("database", says, advice, {"database": "newer"})
    return _good("database", f"sound, {portraits} portraits", facts={"database": "ok"})


def temporary_folder_finding(folder: str | None = None, least_free_bytes: int = _MIN_FREE_BYTES) -> Finding:
    """Say whether small files can be written to the system's temporary folder; most of ours are in the data folder."""
    advice = "set TMPDIR to a folder with room, for `throwback bench` and for ffmpeg"
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as trial:
            trial.write(b"trial")
            trial.flush()
            free = shutil.disk_usage(trial.name).free
    except OSError as error:
        says = f"nothing can be written there ({error.strerror or type(error).__name__})"
        return _later("temporary folder", says, advice)
    if free < least_free_bytes:
        return _later("temporary folder", f"only {free >> 20} MB left", advice)
    place = Path(folder or tempfile.gettempdir())
    if place == Path.cwd():  # where Python goes when there is nothing else
        return _later("temporary folder", f"none; {place} has to serve", advice)
    return _good("temporary folder", str(place))


def proxy_finding() -> Finding | None:
    """Say what is wrong with the proxies in the environment."""
    try:
        check_proxies()
    except SettingsError as error:
        return _bad("proxy", str(error), "correct or unset it")
    return None


def port_finding(variable: str, port: int) -> Finding:
    """Say whether a port of ours is free."""
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("0.0.0.0", port))  # noqa: S104 (as the bot does)
    except OSError as error:
        says = f"{variable}: {port} cannot be had ({error.strerror})"
        return _bad("port", says, "choose another, unless it is the bot itself that is running")
    return _good("port", f"{variable}: {port} is free")


async def bot_findings(environment: Mapping[str, str]) -> list[Finding]:
    """Check the bot's settings, and whether Telegram knows the token."""
    missing = not environment.get("THROWBACK_TOKEN", "").strip()
    try:
        settings = Settings.read(environment)
    except SettingsError as error:
        wrong = [line for line in str(error).splitlines() if not (missing and line.startswith("THROWBACK_TOKEN "))]
        findings = [_bad("settings", line) for line in wrong]
        if not missing:
            return [*findings, _later("token", "not tried", facts={"token": "not tried"})]
        advice = "@BotFather on Telegram gives you one for `throwback run`; `throwback playground` needs none"
        return [*findings, _later("token", "none", advice, {"token": "none"})]
    taken = [("THROWBACK_METRICS_PORT", settings.metrics_port)] if settings.metrics_port else []
    taken += [("THROWBACK_WEBHOOK_PORT", settings.webhook.port)] if settings.webhook else []
    ports = [port_finding(variable, port) for variable, port in taken]
    if not is_loopback(settings.api_url) and (proxy := proxy_finding()):
        return [*ports, proxy, _later("token", "not tried", facts={"token": "not tried"})]
    return [*ports, *await token_findings(settings)]


async def token_findings(settings: Settings) -> list[Finding]:
    """Check whether Telegram knows the token, and whether its bot has inline mode."""
    server = "Telegram" if settings.api_url == TELEGRAM_URL else settings.api_url
    try:
        # Errors are told in our own words: the library's may contain the token.
        async with asyncio.timeout(_CHECK_TIMEOUT_S), _bot(settings) as bot:
            token = _good("token", f"{server} knows it as @{bot.username}", facts={"token": "ok"})
            return [token, inline_finding(bot.supports_inline_queries)]
    except InvalidToken:
        return [_bad("token", f"{server} does not know it", "ask @BotFather", {"token": "unknown"})]
    except (TelegramError, TimeoutError) as error:
        says = f"{server} cannot be reached ({type(error).__name__})"
        return [_bad("token", says, "is there a network, a proxy?", {"token": "unreachable"})]


def _bot(settings: Settings) -> Bot:
    def request() -> TelegramRequest:
        return TelegramRequest(httpx_kwargs=client_options(settings.api_url))

    return Bot(settings.token, f"{settings.api_url}/bot", request=request(), get_updates_request=request())


def inline_finding(on: bool) -> Finding:
    if on:
        return _good("inline mode", "on: results can be shared in any chat", facts={"inline": True})
    advice = "send `/setinline` to @BotFather, and start the bot again"
    return _later("inline mode", "off: results have no Share button", advice, {"inline": False})
