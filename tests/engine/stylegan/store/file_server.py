"""A local server for files that misbehaves as told, for the download tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Served:
    """What the server has and how it behaves; `requests` records the Range header of each request."""

    data: bytes
    etag: str = '"one"'
    ranges: bool = True
    drop_after: list[int] = field(default_factory=list)  # bytes of the body to send, one entry a request
    statuses: list[int] = field(default_factory=list)  # to answer first, one entry a request
    lengths: bool = True
    redirect: str = ""
    requests: list[str | None] = field(default_factory=list)
    address: str = ""


class Handler(BaseHTTPRequestHandler):
    served: Served

    def do_GET(self) -> None:
        served = self.served
        served.requests.append(self.headers.get("Range"))
        if served.statuses:
            self.send_error(served.statuses.pop(0))
            return
        if served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.end_headers()
            return
        start = self.start()
        if start >= len(served.data) > 0 and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(served.data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = served.data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.data) - 1}/{len(served.data)}")
        if served.lengths:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", served.etag)
        self.end_headers()
        if served.drop_after:
            body = body[: served.drop_after.pop(0)]
        self.wfile.write(body)
        self.close_connection = True

    def start(self) -> int:
        """Where the answer begins: nought unless ranges are served and the file is still the one asked for."""
        asked = self.headers.get("Range")
        if not asked or not self.served.ranges or self.headers.get("If-Range", self.served.etag) != self.served.etag:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(data: bytes, **behaviour: object) -> Iterator[Served]:
    served = Served(data, **behaviour)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"served": served}))
    served.address = f"http://127.0.0.1:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
