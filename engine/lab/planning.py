"""Plans how many engines so many portraits a day need, how long people wait, what it costs, and what breaks first.

A simulation of the busiest two hours of a day: portraits arrive at random, more of them in the evening than at night;
the engines take one after the other. The smallest number of engines is sought at which 95 % wait no longer than the
target. What one portrait costs in seconds, messages, bytes and writes is measured elsewhere, and given as options.
"""

import argparse
import heapq
import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_DAY_S = 86_400.0
_PEAK = 2.5  # the busiest moment over the day's mean; people send photos in the evening
_WINDOW_S = 7_200.0  # s around the busiest moment; queues of a badly planned service do not empty within it


@dataclass(frozen=True, slots=True)
class Costs:
    """What one portrait takes, and what there is of it."""

    service_s: float  # s of one engine
    spread: float  # standard deviation of the service time over its mean
    messages: float  # sent to Telegram
    upload_mb: float
    writes: float  # transactions of the database
    messages_per_s: float  # that one bot may send
    upload_mb_per_s: float  # of the bot's machine
    writes_per_s: float  # of its disk


@dataclass(frozen=True, slots=True)
class Plan:
    """What `per_day` portraits a day need; waits in seconds until an engine begins, in the busiest hours."""

    per_day: int
    engines: int
    mean_wait_s: float
    p95_wait_s: float
    busy: float  # share of the engines' time, 0..1
    shares: dict[str, float]  # of what bot, line and disk can take at the busiest moment; above 1 it breaks


def rate(per_day: float, second: float) -> float:
    """Portraits a second, `second` seconds before or after the busiest moment."""
    return per_day / _DAY_S * (1 + (_PEAK - 1) * math.cos(2 * math.pi * second / _DAY_S))


def arrivals(per_day: float, chance: random.Random) -> Iterator[float]:
    """Yield the seconds at which portraits arrive in the busiest hours (a Poisson process, thinned)."""
    highest, now = per_day / _DAY_S * _PEAK, -_WINDOW_S / 2
    while (now := now + chance.expovariate(highest)) < _WINDOW_S / 2:
        if chance.random() * highest < rate(per_day, now):
            yield now


def waits_of(per_day: float, engines: int, costs: Costs, seed: int = 0) -> list[float]:
    """The seconds that each portrait of the busiest hours waits for an engine, in no order."""
    chance = random.Random(seed)
    variance = math.log(1 + costs.spread**2)
    mean, deviation = math.log(costs.service_s) - variance / 2, math.sqrt(variance)
    free = [-_WINDOW_S] * engines
    waits = []
    for now in arrivals(per_day, chance):
        begun = max(now, free[0])
        heapq.heapreplace(free, begun + chance.lognormvariate(mean, deviation))
        waits.append(begun - now)
    return waits


def plan(per_day: int, costs: Costs, target_s: float) -> Plan:
    """The smallest number of engines at which 95 % of the busiest hours' portraits wait no longer than `target_s`."""
    peak = per_day / _DAY_S * _PEAK
    low, high = 1, math.ceil(peak * costs.service_s * 2) + 2
    while low < high:
        middle = (low + high) // 2
        if _percentile(waits_of(per_day, middle, costs), 0.95) <= target_s:
            high = middle
        else:
            low = middle + 1
    waits = waits_of(per_day, low, costs)
    shares = {
        "messages": peak * costs.messages / costs.messages_per_s,
        "upload": peak * costs.upload_mb / costs.upload_mb_per_s,
        "writes": peak * costs.writes / costs.writes_per_s,
    }
    mean_wait_s = sum(waits) / len(waits) if waits else 0.0
    return Plan(per_day, low, mean_wait_s, _percentile(waits, 0.95), peak * costs.service_s / low, shares)


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if values else 0.0


def main(arguments: Sequence[str]) -> int:
    """Print a table, one line for each number of portraits a day."""
    parser = argparse.ArgumentParser(prog="python -m engine lab plan", description="Plan machines for many portraits.")
    parser.add_argument("--per-day", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--service-s", type=float, required=True, help="seconds of one engine for a portrait")
    parser.add_argument("--spread", type=float, default=0.3, help="their standard deviation over their mean")
    parser.add_argument("--cost", type=float, required=True, help="what an engine costs an hour")
    parser.add_argument("--target-s", type=float, default=30.0, help="longest wait of 95 %% of people (default 30)")
    parser.add_argument("--messages", type=float, default=9.0, help="sent to Telegram for a portrait")
    parser.add_argument("--upload-mb", type=float, default=0.5, help="sent to Telegram for a portrait")
    parser.add_argument("--writes", type=float, default=44.0, help="transactions for a portrait")
    parser.add_argument("--messages-per-s", type=float, default=20.0, help="of one bot: as the bot limits itself")
    parser.add_argument("--upload-mb-per-s", type=float, default=12.5, help="of the bot's machine (default 100 Mbit/s)")
    parser.add_argument("--writes-per-s", type=float, default=900.0, help="transactions that the disk takes")
    args = vars(parser.parse_args(arguments))
    counts, cost, target_s = args.pop("per_day"), args.pop("cost"), args.pop("target_s")
    costs = Costs(**args)
    _say(
        "| portraits a day | engines | busy | wait, mean / p95 | cost a day, always on / growing and shrinking |"
        " of one bot's messages / upload / writes |"
    )
    _say("|---|---|---|---|---|---|")
    for count in counts:
        one = plan(count, costs, target_s)
        shares = " / ".join(f"{100 * share:.0f} %" for share in one.shares.values())
        waits = f"{one.mean_wait_s:.1f} / {one.p95_wait_s:.1f} s"
        money = f"{one.engines * 24 * cost:,.2f} / {max(1.0, one.engines / _PEAK) * 24 * cost:,.2f}"
        _say(f"| {count:,} | {one.engines} | {100 * one.busy:.0f} % | {waits} | {money} | {shares} |")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
