"""Fetches one large file over HTTPS: resumes after drops, retries after growing pauses, checks what arrived."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path

import httpx

from engine.errors import NetworkError

logger = logging.getLogger(__name__)

MAX_BYTES = 2 << 30  # larger files are refused: no network is
ATTEMPTS = 6  # that bring no new byte in a row, before giving up
TIMEOUT_S = 30.0  # for each read, write and connection
LONGEST_PAUSE_S = 60.0  # between two attempts; they double from 2 s on

Report = Callable[[int, int | None], None]
"""Called with the number of bytes that are here, and of all bytes where that is known."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """A file's expected digests, in hexadecimal; empty where they are not known."""

    sha256: str = ""
    md5: str = ""


class _TryAgain(Exception):
    """The transfer failed in a way that another attempt may mend; the text says how."""


def download(
    url: str,
    target: Path,
    checksum: Checksum,
    *,
    report: Report = lambda done, total: None,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Fetch `url` into `target` and return its SHA-256.

    What has arrived is kept beside `target` as NAME.part when everything fails, and continued the next time if the
    server still has the same file. `wait` is called with the seconds to let pass before another attempt. Raises
    `NetworkError` when the file is not there, when no byte came for `ATTEMPTS` attempts, or when the checksum is wrong
    (then nothing is kept).
    """
    _check_address(url)
    part = target.with_name(f"{target.name}.part")
    failures = 0
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client:
        while True:
            before = _size(part)
            try:
                _fetch(client, url, part, report)
                break
            except (_TryAgain, httpx.TransportError) as error:
                failures = 1 if _size(part) > before else failures + 1
                if failures >= ATTEMPTS:
                    raise NetworkError(f"{url} could not be fetched: {_reason(error)}. Try again later.") from None
                pause_s = min(2.0**failures, LONGEST_PAUSE_S) * random.uniform(0.75, 1.25)
                logger.warning("%s; trying again in %.0f s (%s)", _reason(error), pause_s, url)
                wait(pause_s)
            except httpx.HTTPError as error:
                raise NetworkError(f"{url} could not be fetched: {error}.") from None
            except OSError as error:
                raise NetworkError(f"{target.name} cannot be written: {error.strerror}.") from None
    digest = _check(url, part, checksum)
    part.replace(target)
    _tag_file(part).unlink(missing_ok=True)
    return digest


def _fetch(client: httpx.Client, url: str, part: Path, report: Report) -> None:
    """One attempt: ask for what is missing and append it."""
    done, tag = _size(part), _read_tag(part)
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
        if tag:
            headers["If-Range"] = tag  # the whole file comes if it has changed meanwhile
    with client.stream("GET", url, headers=headers) as response:
        _check_status(url, response)
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range") == f"bytes */{done}":
                return  # everything was here already
            part.unlink(missing_ok=True)
            raise _TryAgain("what was here did not fit the file")
        start, total = _extent(response)
        if start not in (0, done):
            part.unlink(missing_ok=True)
            raise _TryAgain("the server sent another part than asked for")
        _check_length(url, total)
        _tag_file(part).write_text(response.headers.get("ETag", ""))
        with part.open("ab" if start else "wb") as file:
            done = start
            report(done, total)
            for chunk in response.iter_raw():
                file.write(chunk)
                done += len(chunk)
                _check_length(url, done)
                report(done, total)
    if total is not None and done < total:
        raise _TryAgain("the connection broke off")


def _check_address(url: str) -> None:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme != "https" and not (address.scheme == "http" and address.host in ("127.0.0.1", "localhost")):
        raise NetworkError(f"{url} is no https address.")


def _check_length(url: str, length: int | None) -> None:
    if length is not None and length > MAX_BYTES:
        raise NetworkError(f"{url} is larger than {MAX_BYTES >> 30} GB, which no network is.")


def _check_status(url: str, response: httpx.Response) -> None:
    if response.url.scheme != "https" and httpx.URL(url).scheme == "https":
        raise NetworkError(f"{url} leads to an address without encryption ({response.url.host}).")
    status = response.status_code
    if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT) or status >= 500:
        raise _TryAgain(f"the server answered {status}")
    if status not in (200, 206, 416):
        raise NetworkError(f"{url} could not be fetched: the server answered {status} {response.reason_phrase}.")


def _extent(response: httpx.Response) -> tuple[int, int | None]:
    """Where the body begins in the file, and the file's length where the server tells it."""
    try:
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            span, _, total = response.headers["Content-Range"].removeprefix("bytes ").partition("/")
            return int(span.partition("-")[0]), None if total == "*" else int(total)
        length = response.headers.get("Content-Length")
        return 0, None if length is None else int(length)
    except (KeyError, ValueError):
        raise _TryAgain("the server sent a part without saying which") from None


def _check(url: str, part: Path, checksum: Checksum) -> str:
    digests = {"sha256": sha256(), "md5": md5(usedforsecurity=False)}
    with part.open("rb") as file:
        while chunk := file.read(1 << 20):
            for digest in digests.values():
                digest.update(chunk)
    for name, digest in digests.items():
        expected = getattr(checksum, name)
        if expected and digest.hexdigest() != expected:
            part.unlink()
            _tag_file(part).unlink(missing_ok=True)
            raise NetworkError(
                f"What came from {url} is not the file it should be (its {name} is {digest.hexdigest()},"
                f" not {expected}); nothing was kept."
            )
    return digests["sha256"].hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _read_tag(part: Path) -> str:
    """The kept file's entity tag where it identifies the bytes; weak ones do not."""
    path = _tag_file(part)
    tag = path.read_text() if path.exists() else ""
    return tag if tag.startswith('"') else ""


def _reason(error: Exception) -> str:
    if isinstance(error, _TryAgain):
        return str(error)
    if isinstance(error, httpx.ConnectError):
        return f"the server cannot be reached ({error})"
    return "the server took too long" if isinstance(error, httpx.TimeoutException) else "the connection broke off"
