"""Writes logs for machines, fit to be shown to anybody: one JSON object a line, without tokens, names and photos."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

_REDACTED = "[secret]"  # in the place of a secret
_URL_LOGGERS = ("httpx", "httpcore", "telegram", "apscheduler", "aiosqlite")  # they log URLs with the token


class RedactingFormatter(logging.Formatter):
    """Formats a record as one JSON object, and replaces every secret in it, wherever it came from.

    An error is told by its type; its traceback, which may show what was in a message, only with `traces`.
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
            line = line.replace(secret, _REDACTED)
        return line


def level_from_environment(default: int) -> int:
    """Return the level that THROWBACK_LOG names, or `default` where it names none."""
    return logging.getLevelNamesMapping().get(os.environ.get("THROWBACK_LOG", "").strip().upper(), default)


def set_up_logs(*secrets: str, level: int = logging.INFO) -> None:
    """Write the log to stderr, without these secrets."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets, traces=level <= logging.DEBUG))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quiet_libraries()


def quiet_libraries() -> None:
    """Let libraries that log whole URLs log warnings only."""
    for name in _URL_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
