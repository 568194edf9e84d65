"""Intervals agree with published values."""

import pytest

from engine.lab.judging.intervals import area_interval, area_under_curve, share_of, wilson


def test_wilson_s_intervals() -> None:
    # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_share_is_told_with_its_interval() -> None:
    assert share_of([True] * 32 + [False] * 8) == {"share": 0.8, "from": 0.652, "to": 0.895}
    assert share_of([]) == {"share": 0.0, "from": 0.0, "to": 1.0}


def test_areas_under_the_curve() -> None:
    assert area_under_curve([3, 4], [1, 2]) == 1
    assert area_under_curve([1, 2], [3, 4]) == 0
    assert area_under_curve([1, 1], [1, 1]) == 0.5
    assert area_under_curve([1, 3], [2]) == 0.5


def test_intervals_of_areas_narrow_with_more_faces_and_hold_for_perfect_ones() -> None:
    low, high = area_interval(0.75, 20, 20)
    assert low == pytest.approx(0.58, abs=0.03)
    assert high == pytest.approx(0.87, abs=0.03)
    narrow = area_interval(0.75, 200, 200)
    assert 0 < narrow[0] - low < 0.15
    assert 0 < high - narrow[1] < 0.15
    low, high = area_interval(1.0, 20, 20)
    assert 0.75 < low < 0.95
    assert high == 1
    assert area_interval(0.5, 20, 20)[0] == pytest.approx(1 - area_interval(0.5, 20, 20)[1])
