"""Serves ``/healthz``, whether the bot works, and ``/metrics``, how much it does, in Prometheus' format."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from bot.context import Services
from bot.messaging.raw_updates import UPDATE_KINDS
from bot.operations.lifetimes import serving
from storage import Counts, FailureReason, PortraitFailure, State

_LISTENING_S = 60.0  # s since Telegram answered; several polls, and several looks at the webhook
_DATABASE_S = 5.0  # s; a database that takes longer to answer does not work


class Ailment(StrEnum):
    """What may not work; ``/healthz`` says no other words."""

    TELEGRAM = "telegram"  # updates are asked for, and nothing answers
    LISTENING = "listening"  # updates are not even asked for
    DISK = "disk"  # it takes no writes, and updates wait for it
    DATABASE = "database"
    ENGINE = "engine"


async def ailments(services: Services) -> list[Ailment]:
    """Return what does not work."""
    found = []
    pulse = services.listener.pulse
    if pulse.held_up_ago_s < _LISTENING_S:
        found.append(Ailment.DISK)
    elif pulse.asked_ago_s > _LISTENING_S:
        found.append(Ailment.LISTENING)
    elif pulse.heard_ago_s > _LISTENING_S:
        found.append(Ailment.TELEGRAM)
    try:
        async with asyncio.timeout(_DATABASE_S):
            await services.storage.paused()
    except (sqlite3.Error, TimeoutError, ValueError):  # ValueError: its connection is closed
        found.append(Ailment.DATABASE)
    if services.engine.pid is None or not services.engine.portraits:
        found.append(Ailment.ENGINE)
    return found


@asynccontextmanager
async def health_server(services: Services, port: int, address: str = "0.0.0.0") -> AsyncIterator[int]:  # noqa: S104
    """Answer on `port` while the context lasts, and yield the port; 0 takes a free one.

    It listens on all addresses, for a monitor outside the container; it tells nothing personal.
    """
    ours = {"services": services}
    routes = [("/healthz", _HealthHandler, ours), ("/metrics", _MetricsHandler, ours)]
    sockets = bind_sockets(port, address)
    async with serving(Application(routes, log_function=lambda _: None), sockets):
        yield sockets[0].getsockname()[1]


def exposition(counts: Counts, running: int, places: int) -> bytes:
    """Return the text of all metrics. All are gauges: the storage counts anew at every scrape, over restarts too.

    `running` is the number of portraits that the engine has now, `places` how many it takes at once.
    """
    registry = CollectorRegistry()

    def gauge(name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"throwback_{name}", documentation, labels, registry=registry)

    gauge("people", "People with a row").set(counts.people)
    gauge("groups", "Groups the bot is in").set(counts.groups)
    portraits = gauge("portraits", "Portraits by state", "state")
    for state in State:
        portraits.labels(state).set(counts.states.get(state, 0))
    gauge("running", "Portraits the engine has now").set(running)
    gauge("engine_places", "Portraits that the engines take at once; 0 while there is none").set(places)
    # By reason, not by the text in the row: a defect's is the type of its error, and there is no end of types.
    reasons = Counter[FailureReason]()
    for text, count in counts.failures.items():
        reasons[PortraitFailure.parse(text).reason] += count
    failures = gauge("failures", "Failed portraits of the last 7 days by reason", "reason")
    for reason in FailureReason:
        if reason is not FailureReason.NONE:
            failures.labels(reason).set(reasons[reason])
    gauge("wait_seconds_median", "From queued to done, last 7 days").set(round(counts.median_s, 3))
    gauge("wait_seconds_max", "From queued to done, last 7 days").set(round(counts.slowest_s, 3))
    aside = gauge("updates_set_aside", "Updates that could not be handled, by kind", "kind")
    for kind in UPDATE_KINDS:
        aside.labels(kind).set(counts.updates_aside.get(kind, 0))
    about = ("verdict", "species", "network", "photo_quality")
    verdicts = gauge("verdicts", "What owners think of their portraits", *about)
    for one in counts.verdicts:
        verdicts.labels(one.verdict, one.species, one.network, one.photo_quality).set(one.count)
    gauge("media_bytes", "Photos, pictures, films and latents on the disk").set(counts.media_bytes)
    return generate_latest(registry)


class _Handler(RequestHandler):
    def initialize(self, services: Services) -> None:
        self.services = services


class _HealthHandler(_Handler):
    async def get(self) -> None:
        """Answer 200 with "ok" while everything works; otherwise 503 with what does not, a word a line."""
        found = await ailments(self.services)
        if found:
            self.set_status(503)
        self.finish("\n".join([*found, ""]) if found else "ok\n")


class _MetricsHandler(_Handler):
    async def get(self) -> None:
        counts = await self.services.storage.counts()
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(exposition(counts, self.services.worker.running, self.services.engine.portraits))
