"""Logs that can be read by machines and shown to anybody: one JSON object a line, without tokens, names and photos."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

_HIDDEN = "[secret]"
# These write whole URLs, and the token is part of them.
_TALKATIVE = ("httpx", "httpcore", "telegram", "apscheduler", "aiosqlite")


class Redacted(logging.Formatter):
    """One JSON object a line; every secret in it is blotted out, wherever it came from.

    Of errors there is the type; the whole trace, which may show what was in a message, only where `traces` are wanted.
    """

    def __init__(self, secrets: tuple[str, ...], traces: bool = False) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if secret)
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            entry["error"] = record.exc_info[0].__name__
            if self._traces:
                entry["trace"] = self.formatException(record.exc_info)
        line = json.dumps(entry, ensure_ascii=False)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


def wished_level(otherwise: int) -> int:
    """What THROWBACK_LOG says, or `otherwise` where it says nothing that is a level."""
    return logging.getLevelNamesMapping().get(os.environ.get("THROWBACK_LOG", "").strip().upper(), otherwise)


def set_up_logs(*secrets: str, level: int = logging.INFO) -> None:
    """Write the log to stderr, with these secrets blotted out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacted(secrets, traces=level <= logging.DEBUG))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quieten()


def quieten() -> None:
    """Let those who write whole URLs tell of trouble only."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
