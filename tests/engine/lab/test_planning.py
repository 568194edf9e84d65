"""Planning machines: the simulation against what queueing theory and arithmetic say."""

import random
from dataclasses import replace
from statistics import mean

import pytest

from engine.lab.planning import Costs, arrivals, main, plan, waits_of

COSTS = Costs(5.0, 1.0, 9.0, 0.5, 44.0, 20.0, 12.5, 900.0)


def test_the_busiest_hours_have_their_share_of_the_day() -> None:
    """Two of 24 hours at 2.5 times the mean are a little less than five twenty-fourths of all."""
    count = sum(1 for _ in arrivals(100_000, random.Random(1)))
    assert count == pytest.approx(100_000 * 2.5 / 12, rel=0.03)


def test_one_engine_waits_as_an_m_g_1_queue_does() -> None:
    """Pollaczek and Khinchine: busy / (1 - busy) * service * (1 + spread squared) / 2."""
    busy = 0.5
    per_day = int(busy / COSTS.service_s / 2.5 * 86_400)
    waits = [wait for seed in range(30) for wait in waits_of(per_day, 1, COSTS, seed)]
    assert mean(waits) == pytest.approx(busy / (1 - busy) * COSTS.service_s, rel=0.15)


def test_the_plan_is_the_smallest_that_keeps_the_target() -> None:
    found = plan(20_000, replace(COSTS, spread=0.3), 30.0)
    assert found.p95_wait_s <= 30
    fewer = sorted(waits_of(20_000, found.engines - 1, replace(COSTS, spread=0.3)))
    assert fewer[int(0.95 * (len(fewer) - 1))] > 30


def test_what_breaks_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--per-day", "1000", "100000", "--service-s", "5", "--cost", "0.04"]) == 0
    *_, thousand, more = capsys.readouterr().out.splitlines()
    assert thousand.startswith("| 1,000 | 1 |")
    assert "130 %" in more  # of the messages of one bot
