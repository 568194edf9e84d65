import json
import logging
import sys

import pytest

from bot import cli
from bot.operations.logs import RedactingFormatter, level_from_environment


def record(message: str, *args: object, error: bool = False) -> logging.LogRecord:
    return logging.LogRecord("bot.test", logging.INFO, "f.py", 1, message, args, sys.exc_info() if error else None)


def test_a_line_is_json_and_blots_out_secrets() -> None:
    line = RedactingFormatter(("123:secret", "")).format(record("POST /bot%s/getMe", "123:secret"))
    assert json.loads(line)["what"] == "POST /bot[secret]/getMe"
    assert "123:secret" not in line


def test_traces_are_blotted_out_too() -> None:
    try:
        raise ValueError("token 123:secret")
    except ValueError:
        failed = record("failed", error=True)
    line = RedactingFormatter(("123:secret",), traces=True).format(failed)
    assert "123:secret" not in line and "ValueError" in json.loads(line)["trace"]
    assert "\n" not in line
    told = json.loads(RedactingFormatter(()).format(failed))
    assert told["error"] == "ValueError" and "trace" not in told and "123:secret" not in str(told)


def test_what_is_logged_is_as_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, level in (("error", logging.ERROR), ("", logging.INFO), ("loud", logging.INFO), ("DEBUG", logging.DEBUG)):
        monkeypatch.setenv("THROWBACK_LOG", said)
        assert level_from_environment(logging.INFO) == level


def test_no_command_logs_addresses_which_hold_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROWBACK_LOG", "debug")
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.NOTSET)
    assert cli.main(["doctor", "--help"]) == 0
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
