"""For whoever runs the bot: ``/healthz`` says whether it works, ``/metrics`` how much, in Prometheus' format."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from bot.context import Services
from storage import Counts, State


@asynccontextmanager
async def health_server(services: Services, port: int, address: str = "0.0.0.0") -> AsyncIterator[int]:  # noqa: S104
    """Answer on this port while the context lasts; yields the port (of which 0 takes a free one).

    It listens everywhere, for a monitor outside the container; nothing personal is told.
    """
    routes = [("/healthz", _Health, {"services": services}), ("/metrics", _Metrics, {"services": services})]
    server = HTTPServer(Application(routes, log_function=lambda _: None))
    sockets = bind_sockets(port, address)
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()
        await server.close_all_connections()


class _Handler(RequestHandler):
    def initialize(self, services: Services) -> None:
        self.services = services

    def data_received(self, chunk: bytes) -> None:
        """Requests have no body worth reading."""


class _Health(_Handler):
    async def get(self) -> None:
        """200 with "ok" while the engine process lives and the storage answers; 503 otherwise."""
        await self.services.storage.paused()
        if self.services.engine.pid is None:
            self.set_status(503)
            self.finish("the engine is being started\n")
        else:
            self.finish("ok\n")


class _Metrics(_Handler):
    async def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        counts = await self.services.storage.counts()
        self.finish("\n".join([*_lines(counts, self.services.worker.running), ""]))


def _lines(counts: Counts, running: int) -> Iterator[str]:
    yield from _gauge("people", "People with a row", {"": counts.people})
    yield from _gauge("groups", "Groups the bot is in", {"": counts.groups})
    states = {f'{{state="{state}"}}': counts.states.get(state, 0) for state in State}
    yield from _gauge("portraits", "Portraits by state", states)
    yield from _gauge("running", "Portraits the engine has now", {"": running})
    failures = {f'{{reason="{reason}"}}': count for reason, count in sorted(counts.failures.items())}
    yield from _gauge("failures", "Failed portraits of the last 7 days by reason", failures)
    yield from _gauge("wait_seconds_median", "From queued to done, last 7 days", {"": round(counts.median_s, 3)})
    yield from _gauge("wait_seconds_max", "From queued to done, last 7 days", {"": round(counts.slowest_s, 3)})
    yield from _gauge("media_bytes", "Photos, pictures, films and latents on the disk", {"": counts.media_bytes})


def _gauge(name: str, what: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP throwback_{name} {what}"
    yield f"# TYPE throwback_{name} gauge"
    for labels, value in values.items():
        yield f"throwback_{name}{labels} {value}"
