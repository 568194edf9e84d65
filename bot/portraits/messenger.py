"""What the workshop needs somebody to say: the border between the product and the messenger it lives in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine import Progress
from storage import Notice, Portrait, Result


@dataclass(frozen=True, slots=True)
class Sent:
    message: int
    file_id: str


class Messenger(Protocol):
    """`fetch`, `ask`, `failed`, `cancelled`, `send` and `say` raise the errors of `bot.portraits.errors`, the others
    none.
    """

    async def fetch(self, file_id: str) -> bytes:
        """The bytes of a file that somebody sent."""

    async def ask(self, portrait: Portrait) -> None:
        """Ask what the portrait's state calls for, in its one message."""

    async def looking(self, portrait: Portrait, times: int) -> None:
        """Show that we are at it, the second time in words."""

    async def sending(self, portrait: Portrait, times: int) -> None:
        """Show that results are on their way."""

    async def queued(self, portrait: Portrait, before: int, wait_s: float | None, paused: bool) -> None:
        """Show the place in the queue."""

    async def moved(self, portrait: Portrait) -> None:
        """Show in another chat, where its group went, what was shown in the old one."""

    def progress(self, portrait: Portrait, progress: Progress) -> None:
        """Show how far the engine is; may be called as often as it likes."""

    async def send(self, portrait: Portrait, result: Result) -> Sent:
        """Bring a result to its owner."""

    async def say(self, portrait: Portrait, notice: Notice, age: float) -> int | None:
        """Say this about results; gives the message, None where the chat takes none."""

    async def finished(self, portrait: Portrait) -> None:
        """Everything was sent, or answered: the portrait's one message has served."""

    async def failed(self, portrait: Portrait) -> None:
        """Say why it did not work, in the portrait's one message."""

    async def cancelled(self, portrait: Portrait) -> None:
        """Say that we stopped."""

    async def erase(self, portraits: Iterable[Portrait], messages: Mapping[int, Sequence[int]]) -> bool:
        """Take what was said about the portraits, and these messages by chat, out of the chats.

        False if some stay, or may stay, such as an `UNKNOWN_MESSAGE`.
        """

    async def alarm(self, portrait: Portrait, error: str) -> None:
        """Tell the administrators which portrait failed and of what type of error."""
