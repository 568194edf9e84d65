"""Estimates are remembered running means; the way through the stages never goes back."""

from pathlib import Path

import pytest

from engine.messages import Stage
from engine.process.eta import WORK, ProgressEstimator, StageTimes

SECONDS = {Stage.ALIGNING: 1.0, Stage.PROJECTING: 6.0, Stage.LOCKING: 2.0, Stage.FILMING: 1.0}


def test_nothing_is_known_before_the_first_run(tmp_path: Path) -> None:
    assert StageTimes(tmp_path / "pace.json").expected("portrait") is None


def test_what_was_learnt_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "pace.json"
    stage_times = StageTimes(file)
    stage_times.learn("portrait", SECONDS)
    assert StageTimes(file).expected("portrait") == SECONDS
    stage_times.learn("portrait", SECONDS | {Stage.PROJECTING: 12.0})
    known = StageTimes(file).expected("portrait")
    assert known is not None
    assert SECONDS[Stage.PROJECTING] < known[Stage.PROJECTING] < 12.0


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"portrait": {"aligning": 1}}', '{"portrait": 3}'])
def test_a_damaged_file_is_measured_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pace.json"
    file.write_text(content)
    stage_times = StageTimes(file)
    assert stage_times.expected("portrait") is None
    stage_times.learn("portrait", SECONDS)
    assert StageTimes(file).expected("portrait") == SECONDS


def test_the_fraction_is_of_the_time_when_times_are_known() -> None:
    estimator = ProgressEstimator(SECONDS)
    estimator.advance(Stage.PROJECTING, 0.5, 1.0)
    assert estimator.fraction == pytest.approx((1 + 3) / 10)
    estimator.advance(Stage.ALIGNING, 0.1, 1.0)
    assert estimator.fraction == pytest.approx((1 + 3) / 10)
    estimator.advance(Stage.FILMING, 1.0, 1.0)
    assert estimator.fraction == pytest.approx(1.0)


def test_what_is_left_follows_this_run_s_own_pace() -> None:
    estimator = ProgressEstimator(SECONDS)
    assert estimator.left_s == pytest.approx(10)
    estimator.advance(Stage.ALIGNING, 1.0, 1.0)
    estimator.advance(Stage.PROJECTING, 0.5, 6.0)  # twice as slow as usual
    assert estimator.left_s == pytest.approx(6 + 2 + 1)
    estimator.advance(Stage.FILMING, 1.0, 1.0)
    assert estimator.left_s == pytest.approx(0)


def test_without_measurements_there_is_no_estimate() -> None:
    estimator = ProgressEstimator(None)
    for stage in WORK:
        estimator.advance(stage, 1.0, 1.0)
        assert estimator.left_s is None
    assert estimator.fraction == pytest.approx(1.0)
