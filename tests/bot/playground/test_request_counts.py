import pytest

from bot.playground.errors import ApiError
from bot.playground.request_counts import BURST, GROUP_PER_MINUTE, OVERALL_PER_SECOND, RateMeter


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_one_a_second_in_a_chat_after_a_short_burst() -> None:
    clock = Clock()
    meter = RateMeter(strict=True, clock=clock)
    for _ in range(BURST):
        meter.spend(1, group=False)
    with pytest.raises(ApiError) as refused:
        meter.spend(1, group=False)
    assert refused.value.code == 429 and refused.value.parameters == {"retry_after": 1}
    for _ in range(100):
        clock.now_s += 1
        meter.spend(1, group=False)


def test_twenty_a_minute_in_a_group() -> None:
    clock = Clock()
    meter = RateMeter(strict=True, clock=clock)
    for _ in range(GROUP_PER_MINUTE):
        meter.spend(-1, group=True)
        clock.now_s += 1
    with pytest.raises(ApiError) as refused:
        meter.spend(-1, group=True)
    assert refused.value.parameters == {"retry_after": 40}
    meter.spend(-2, group=True)
    clock.now_s += 40
    meter.spend(-1, group=True)


def test_thirty_a_second_over_all() -> None:
    clock = Clock()
    meter = RateMeter(strict=True, clock=clock)
    for chat_id in range(OVERALL_PER_SECOND):
        meter.spend(chat_id, group=False)
    with pytest.raises(ApiError):
        meter.spend(99, group=False)
    clock.now_s += 1
    meter.spend(99, group=False)
    assert meter.report()["peak_per_second"] == OVERALL_PER_SECOND


def test_counts_without_refusing_unless_strict() -> None:
    meter = RateMeter(clock=Clock())
    for _ in range(OVERALL_PER_SECOND + 2):
        meter.spend(-1, group=True)
    report = meter.report()
    assert report["requests"] == OVERALL_PER_SECOND + 2
    assert report["excess"] == {"overall": 2, "chat": 27, "group": 12}
