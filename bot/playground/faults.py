"""Makes the next calls of a method fail, as tests order it."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from bot.playground.errors import ApiError, bad_request, forbidden, too_many_requests


class FaultKind(StrEnum):
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    CONFLICT = "409"
    TOO_LARGE = "413"
    TOO_MANY_REQUESTS = "429"
    BUSY = "429 without retry_after"
    BAD_GATEWAY = "502"
    GATEWAY_TIMEOUT = "504"
    PAGE = "page"  # a proxy answers 200 with HTML, and nothing is done
    FORBIDDEN_PAGE = "403 page"  # likewise, with 403
    UNAUTHORIZED_PAGE = "401 page"
    TIMEOUT = "timeout"  # nothing is done and nothing answered
    TIMEOUT_AFTER = "timeout_after"  # it is done, but the answer is lost
    DISCONNECT = "disconnect"  # nothing is done and the connection breaks


_PLAIN_ERRORS = {
    FaultKind.UNAUTHORIZED: (401, "Unauthorized"),
    FaultKind.NOT_FOUND: (404, "Not Found"),
    FaultKind.CONFLICT: (409, "Conflict: terminated by other getUpdates request"),
    FaultKind.TOO_LARGE: (413, "Request Entity Too Large"),
    FaultKind.BUSY: (429, "Too Many Requests"),
    FaultKind.BAD_GATEWAY: (502, "Bad Gateway"),
    FaultKind.GATEWAY_TIMEOUT: (504, "Gateway Timeout"),
}
PAGES = {FaultKind.PAGE: 200, FaultKind.FORBIDDEN_PAGE: 403, FaultKind.UNAUTHORIZED_PAGE: 401}  # with the status
DOWNLOAD = "download"  # a `method` that stands for fetching a file
ANY_METHOD = "*"  # a `method` that stands for all


@dataclass(slots=True)
class Fault:
    """An order that the next `times` calls of `method` fail; `description` replaces Telegram's usual words.

    `given` is a parameter, as text, without which a call cannot fail so, and does not.
    """

    method: str
    kind: FaultKind
    times: int = 1
    retry_after_s: int = 1
    description: str = ""
    given: str = ""

    def error(self) -> ApiError | None:
        """Return the refusal to answer with, or None for a kind that answers nothing."""
        match self.kind:
            case FaultKind.BAD_REQUEST:
                return bad_request(self.description or "ordered by the test")
            case FaultKind.FORBIDDEN:
                return forbidden(self.description or "bot was blocked by the user")
            case FaultKind.TOO_MANY_REQUESTS:
                return too_many_requests(self.retry_after_s)
            case _:
                plain = _PLAIN_ERRORS.get(self.kind)
                return ApiError(plain[0], self.description or plain[1]) if plain else None


class Faults:
    """The faults still to come, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, given: Container[str] = ()) -> Fault | None:
        """Return the fault of this call with these parameters, if one is ordered, and count it."""
        for fault in self._waiting:
            fits = not fault.given or fault.given in given
            if fits and (fault.method == ANY_METHOD or fault.method.lower() == method.lower()):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
