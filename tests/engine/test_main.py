"""`python -m engine`: every command is there, and errors are sentences."""

import importlib
import logging

import pytest

from engine import __main__ as entry
from engine.errors import EngineFault, OperatorError
from engine.settings import SettingsError


def test_every_command_is_a_module_with_main() -> None:
    for name in entry.COMMANDS.values():
        assert callable(importlib.import_module(name).main)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (EngineFault("no face"), 1, "throwback: no face\n"),
        (OperatorError("there is no network"), 1, "throwback: there is no network\n"),
        (SettingsError("THROWBACK_DEVICE must be one of auto, cpu, cuda"), 1, "throwback: THROWBACK_DEVICE must be"),
        (ValueError("/home/secret"), 1, "throwback: something went wrong (ValueError)"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_are_sentences(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr("engine.commands.serve.main", fail)
    monkeypatch.setenv("THROWBACK_LOG", "no such level")
    assert entry.main(["serve"]) == status
    shown = capsys.readouterr().err
    assert shown.startswith(said)
    assert "secret" not in shown
    assert logging.getLogger("engine").level == logging.NOTSET


def test_an_unknown_command_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["frobnicate"]) == 2
    assert capsys.readouterr().err.startswith("usage: python -m engine {serve,")
