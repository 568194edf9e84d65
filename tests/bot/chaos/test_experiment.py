"""`throwback bench chaos` from start to end: short storms, all invariants."""

import json
import sys

import pytest

from bot import cli
from bot.chaos import experiment, fault_injection
from bot.chaos.experiment import Storm
from bot.playground.faults import FaultKind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


async def test_a_short_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_SETTLE_S", 0.5)
    monkeypatch.setattr(experiment, "_STOP_LIMIT_S", 15.0)  # other tests measure that
    monkeypatch.setattr(experiment, "_MORE_DESCRIPTORS", 64)  # connections that are still open
    # What is not answered at all is waited for too long.
    monkeypatch.setattr(fault_injection, "_ANYWHERE", (FaultKind.BUSY, FaultKind.BAD_GATEWAY, FaultKind.DISCONNECT))
    figures = await experiment.run(Storm(seconds=1.5, kills=1, seed=1, people=6, pause_s=0.3))
    assert not figures["broken"], figures
    assert sum(figures["kills"].values()) == 1 and figures["photos"]


@pytest.mark.heavy
def test_half_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["bench", "chaos", "--minutes", "0.5", "--kills", "6", "--seed", "2", "--json"])
    said = capsys.readouterr()
    figures = json.loads(said.out.splitlines()[-1])
    assert status == 0 and not figures["broken"], said.err
    assert sum(figures["kills"].values()) == 6
    assert figures["films"] and figures["faults"] and figures["actions"]["press"]
    assert "held: no film twice" in said.err


def test_minutes_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "chaos", "--minutes", "0"]) == 2
    assert "a number of minutes above 0" in capsys.readouterr().err
