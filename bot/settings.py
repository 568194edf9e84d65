"""The bot's settings, read from the environment once, at its start.

Everything wrong or missing is named at once: whoever sets the bot up should not find the errors one by one.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from engine import EngineSettings, SettingsError, engine_settings

__all__ = ["TELEGRAM_URL", "Settings", "SettingsError", "Webhook", "misspelt_variables"]

TELEGRAM_URL = "https://api.telegram.org"

_T = TypeVar("_T")
_D = TypeVar("_D")
_TOKEN = re.compile(r"\d+:[\w-]{20,}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what Telegram allows as a secret_token
_VARIABLES = frozenset(
    f"THROWBACK_{name}"
    for name in (
        *("TOKEN", "HOME", "DEVICE", "NETWORK", "COMPILE", "CORES", "ENGINE", "REPLICAS", "REPLICA_GPUS", "ADMINS"),
        *("DAILY_LIMIT", "GROUP_DAILY_LIMIT", "RETENTION_DAYS", "METRICS_PORT", "API_URL", "LOG"),
        *("WEBHOOK_URL", "WEBHOOK_SECRET", "WEBHOOK_PORT"),
    )
)
_ALIKE = 0.86  # of 1, from which a name is taken for a misspelt one; others may use the prefix for their own
_WEBHOOK_PORT = 8443  # one of the four that Telegram sends to


def misspelt_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return a sentence for each variable that is no setting, but looks like one."""
    unknown = sorted(name for name in environment if name.startswith("THROWBACK") and name not in _VARIABLES)
    near = ((name, get_close_matches(name, sorted(_VARIABLES), 1, _ALIKE)) for name in unknown)
    return [f"{name} is no setting; did you mean {likely[0]}?" for name, likely in near if likely]


@dataclass(frozen=True, slots=True)
class Webhook:
    url: str  # https; where Telegram sends updates
    secret: str = field(repr=False)  # Telegram sends it back in a header of every update
    port: int  # on which we listen


@dataclass(frozen=True, slots=True)
class Settings:
    token: str = field(repr=False)  # as a secret, it must not reach a log
    engine: EngineSettings
    api_url: str = TELEGRAM_URL
    admins: frozenset[int] = frozenset()
    webhook: Webhook | None = None  # None: polling
    retention_days: int = 30
    metrics_port: int | None = None
    daily_limit: int = 20  # portraits a person
    group_daily_limit: int = 60

    @property
    def home(self) -> Path:
        return self.engine.home

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings. Raises `SettingsError` with a line for each variable that is wrong or missing."""
        reader = _Reader(environment)
        settings = cls(
            token=reader.parsed("TOKEN", _token, ""),
            engine=reader.for_engine(),
            api_url=reader.parsed("API_URL", _url, TELEGRAM_URL),
            admins=reader.parsed("ADMINS", _ids, frozenset()),
            webhook=_webhook(reader),
            retention_days=reader.parsed("RETENTION_DAYS", _count, 30),
            metrics_port=reader.parsed("METRICS_PORT", _port, None),
            daily_limit=reader.parsed("DAILY_LIMIT", _count, 20),
            group_daily_limit=reader.parsed("GROUP_DAILY_LIMIT", _count, 60),
        )
        reader.parsed("LOG", _level, "")  # read elsewhere, when logs are set up; checked here
        if not reader.text("TOKEN"):
            reader.wrong("TOKEN", "is missing: @BotFather on Telegram gives you one")
        if reader.complaints:
            raise SettingsError("\n".join(reader.complaints))
        return settings


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.complaints: list[str] = []

    def text(self, name: str) -> str:
        return self._environment.get(f"THROWBACK_{name}", "").strip()

    def wrong(self, name: str, what: str) -> None:
        self.complaints.append(f"THROWBACK_{name} {what}")

    def for_engine(self) -> EngineSettings:
        """Return the engine's settings; empty ones where it complains."""
        try:
            return engine_settings(self._environment)
        except SettingsError as error:
            self.complaints += str(error).splitlines()
            return EngineSettings(Path())

    def parsed(self, name: str, parse: Callable[[str], _T], default: _D) -> _T | _D:
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(name, str(error))
            return default


def _webhook(reader: _Reader) -> Webhook | None:
    url = reader.parsed("WEBHOOK_URL", _https, "")
    secret = reader.parsed("WEBHOOK_SECRET", _secret, "")
    port = reader.parsed("WEBHOOK_PORT", _port, _WEBHOOK_PORT)
    if not reader.text("WEBHOOK_URL"):
        if secret or reader.text("WEBHOOK_PORT"):
            reader.wrong("WEBHOOK_URL", "is missing, but other THROWBACK_WEBHOOK_ variables are set")
        return None
    if not reader.text("WEBHOOK_SECRET"):
        reader.wrong("WEBHOOK_SECRET", "is missing: anybody could send updates to the webhook")
    return Webhook(url, secret, port)


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("does not look like a bot token (123456:ABC…)")
    return text


def _url(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).netloc:
        raise ValueError("must be a URL such as http://127.0.0.1:8081")
    return text.rstrip("/")


def _https(text: str) -> str:
    # Telegram itself sends to https only; one's own Bot API server may use http within one machine.
    if urlsplit(text).scheme != "https" and urlsplit(text).hostname not in ("127.0.0.1", "localhost"):
        raise ValueError("must begin with https://")
    return _url(text)


def _secret(text: str) -> str:
    if not _SECRET.fullmatch(text):
        raise ValueError("must have 1 to 256 letters, digits, _ or -")
    return text


def _level(text: str) -> str:
    if text.upper() not in logging.getLevelNamesMapping():
        raise ValueError("must be debug, info, warning or error")
    return text


def _ids(text: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise ValueError("must be Telegram ids, separated by commas") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number from 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise ValueError("must be a port, 1 to 65535")
    return int(text)
