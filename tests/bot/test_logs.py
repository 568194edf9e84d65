import json
import logging
import sys

from bot.logs import Redacted


def record(message: str, *args: object, error: bool = False) -> logging.LogRecord:
    return logging.LogRecord("bot.test", logging.INFO, "f.py", 1, message, args, sys.exc_info() if error else None)


def test_a_line_is_json_and_blots_out_secrets() -> None:
    line = Redacted(("123:secret", "")).format(record("POST /bot%s/getMe", "123:secret"))
    assert json.loads(line)["what"] == "POST /bot[secret]/getMe"
    assert "123:secret" not in line


def test_traces_are_blotted_out_too() -> None:
    try:
        raise ValueError("token 123:secret")
    except ValueError:
        line = Redacted(("123:secret",)).format(record("failed", error=True))
    assert "123:secret" not in line and "ValueError" in json.loads(line)["trace"]
    assert "\n" not in line
