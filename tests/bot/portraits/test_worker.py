"""How long somebody has to wait, as far as it can be told."""

import time
from itertools import islice

from bot.portraits.worker import PortraitWorker
from tests.bot.harness import Harness


def worker(harness: Harness, parallel: int = 2) -> PortraitWorker:
    """One that is not entered: the test says what happened in it."""
    services = harness.services
    return PortraitWorker(
        services.storage, services.service.engine, services.messenger, services.service._limits, parallel
    )


async def test_nothing_is_promised_while_nothing_is_known(harness: Harness) -> None:
    assert list(islice(worker(harness)._waits_s(), 2)) == [None, None]


async def test_each_waits_for_the_place_that_becomes_free_next(harness: Harness) -> None:
    shop = worker(harness)
    shop._recent_s.extend([50, 60, 500])
    now = time.monotonic()
    shop._running.update({1: now - 20, 2: now - 50})
    waits = [wait_s for wait_s in islice(shop._waits_s(), 4) if wait_s is not None]
    for wait_s, expected in zip(waits, (10 + 60, 40 + 60, 70 + 60, 100 + 60), strict=True):
        assert expected - 5 < wait_s <= expected


async def test_what_takes_longer_than_usual_may_end_at_any_moment(harness: Harness) -> None:
    shop = worker(harness, parallel=1)
    shop._recent_s.append(60)
    shop._running[1] = time.monotonic() - 600
    assert next(shop._waits_s()) == 60
