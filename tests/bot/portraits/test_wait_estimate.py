from itertools import islice

from bot.portraits.wait_estimate import REMEMBERED_PORTRAITS, WaitEstimate


def test_nothing_is_promised_while_nothing_is_known() -> None:
    estimate = WaitEstimate(places=lambda: 2)
    assert list(islice(estimate.waits_s([]), 2)) == [None, None]
    assert estimate.remaining_s(10) is None


def test_each_waits_for_the_place_that_becomes_free_next() -> None:
    estimate = WaitEstimate(places=lambda: 2)
    estimate.remember(50, 60, 500)
    assert list(islice(estimate.waits_s([20, 50]), 4)) == [10 + 60, 40 + 60, 70 + 60, 100 + 60]


def test_an_empty_place_is_taken_at_once() -> None:
    estimate = WaitEstimate(places=lambda: 2)
    estimate.remember(60)
    assert list(islice(estimate.waits_s([20]), 2)) == [60, 40 + 60]


def test_what_takes_longer_than_usual_may_end_at_any_moment() -> None:
    estimate = WaitEstimate(places=lambda: 1)
    estimate.remember(60)
    assert next(estimate.waits_s([600])) == 60
    assert estimate.remaining_s(600) is None


def test_what_runs_takes_as_long_as_the_last_ones_did() -> None:
    estimate = WaitEstimate(places=lambda: 1)
    estimate.remember(50, 60, 500)
    assert estimate.remaining_s(15) == 45


def test_old_portraits_are_forgotten() -> None:
    estimate = WaitEstimate(places=lambda: 1)
    estimate.remember(*[500] * 50, *[60] * REMEMBERED_PORTRAITS)
    assert next(estimate.waits_s([])) == 60
