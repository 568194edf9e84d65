"""The devices that may use the page over the local network: each has joined with a code that worked once."""

import hashlib
import hmac
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.errors import ApiError, forbidden
from bot.playground.events import Events
from bot.playground.store import Store

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without those that look like others
_CODE_LENGTH = 8  # of 31 letters: 40 bits; at _TRIES_PER_MINUTE a guess takes 40,000 years
_TRIES_PER_MINUTE = 20  # wrong codes from everybody together; more would only help guessing
# In user agents, the telling ones first.
_NAMES = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "CrOS", "Linux")


@dataclass(frozen=True, slots=True)
class Device:
    """A device. `digest` is the SHA-256 of the token in its cookie; `joined_at` is in Unix seconds."""

    id: int
    name: str
    digest: str
    joined_at: int


class Devices:
    """The devices and the code for the next one; `on_code` is called with every new code.

    `url` is where the page is in the local network, "" while it is not served there.
    """

    def __init__(self, store: Store, events: Events, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._devices = {device.id: device for device in store.all("device", Device)}
        self._wrong: deque[float] = deque()
        self.code = _new_code()
        self.url = ""
        self.on_code: Callable[[str], None] = lambda _: None

    @property
    def joined(self) -> list[Device]:
        return list(self._devices.values())

    def join(self, code: str, user_agent: str) -> str:
        """Return the token of a new device; the code is spent, and another takes its place.

        Raises `ApiError` 403 for a wrong code, 429 after too many of them.
        """
        now = self._clock()
        while self._wrong and now - self._wrong[0] >= 60:
            self._wrong.popleft()
        if len(self._wrong) >= _TRIES_PER_MINUTE:
            raise ApiError(429, "Too Many Requests: too many wrong codes", retry_after=60)
        typed = re.sub(r"[\s-]", "", code).upper()
        if not hmac.compare_digest(typed.encode(), self.code.replace("-", "").encode()):
            self._wrong.append(now)
            raise forbidden("wrong code")
        token = secrets.token_urlsafe(32)
        number = 1 + max(self._devices, default=0)
        name = next((name for name in _NAMES if name in user_agent), "?")
        self._devices[number] = Device(number, name, _digest(token), int(time.time()))
        self._store.put("device", number, self._devices[number])
        self.code = _new_code()
        self._events.publish("devices")
        self.on_code(self.code)
        return token

    def knows(self, token: str) -> bool:
        """Return whether this is the token of a device that has joined and was not removed."""
        digest = _digest(token)
        return any(hmac.compare_digest(device.digest, digest) for device in self._devices.values())

    def remove(self, number: int) -> None:
        if self._devices.pop(number, None) is not None:
            self._store.remove("device", number)
            self._events.publish("devices")


def _new_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
