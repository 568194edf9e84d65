"""Makes the next calls of a method fail, as tests order it."""

from dataclasses import dataclass
from enum import StrEnum

from bot.playground.errors import ApiError, bad_request, forbidden, too_many_requests


class FaultKind(StrEnum):
    BAD_REQUEST = "400"
    FORBIDDEN = "403"
    TOO_MANY_REQUESTS = "429"
    BAD_GATEWAY = "502"
    TIMEOUT = "timeout"  # nothing is done and nothing answered
    TIMEOUT_AFTER = "timeout_after"  # it is done, but the answer is lost
    DISCONNECT = "disconnect"  # nothing is done and the connection breaks


ANY_METHOD = "*"  # a `method` that stands for all


@dataclass(slots=True)
class Fault:
    """An order that the next `times` calls of `method` fail; `description` replaces Telegram's usual words."""

    method: str
    kind: FaultKind
    times: int = 1
    retry_after_s: int = 1
    description: str = ""

    def error(self) -> ApiError | None:
        """Return the refusal to answer with, or None for a kind that answers nothing."""
        match self.kind:
            case FaultKind.BAD_REQUEST:
                return bad_request(self.description or "ordered by the test")
            case FaultKind.FORBIDDEN:
                return forbidden(self.description or "bot was blocked by the user")
            case FaultKind.TOO_MANY_REQUESTS:
                return too_many_requests(self.retry_after_s)
            case FaultKind.BAD_GATEWAY:
                return ApiError(502, "Bad Gateway")
            case _:
                return None


class Faults:
    """The faults still to come, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        """Return the fault of this call, if one is ordered, and count it."""
        for fault in self._waiting:
            if fault.method == ANY_METHOD or fault.method.lower() == method.lower():
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
