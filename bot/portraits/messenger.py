"""What the product needs of a messenger: the border between it and the app in which its owners write."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine import Progress
from storage import Notice, Portrait, Result


@dataclass(frozen=True, slots=True)
class Sent:
    message: int
    file_id: str


OnWire = Callable[[bool], Awaitable[None]]
"""Is told True right before something is sent, and False where the messenger refused it and it waits again."""


class Messenger(Protocol):
    """Talks with owners about their portraits.

    Each portrait has one status message: the question, then the progress, then how it ended. `fetch`, `ask`,
    `show_failure`, `show_cancelled`, `send_result`, `replace_result` and `send_notice` raise the errors of
    `bot.portraits.errors`, the others none.
    """

    async def fetch(self, file_id: str) -> bytes:
        """Return the bytes of a file that somebody sent. Raises `PhotoError` for one that is too large to be had."""

    async def ask(self, portrait: Portrait) -> None:
        """Ask what the portrait's state calls for, in its status message."""

    async def show_looking(self, portrait: Portrait, times: int) -> None:
        """Show that we look at the photo: the first time in words, then as "typing…"."""

    async def show_sending(self, portrait: Portrait, times: int) -> None:
        """Show that results are on their way."""

    async def show_queued(self, portrait: Portrait, before: int, wait_s: float | None, paused: bool) -> None:
        """Show the place in the queue."""

    async def show_moved(self, portrait: Portrait) -> None:
        """Show in another chat, where its group went, what was shown in the old one."""

    def show_progress(self, portrait: Portrait, progress: Progress) -> None:
        """Show how far the engine is; may be called as often as it likes."""

    async def send_result(self, portrait: Portrait, result: Result, on_wire: OnWire) -> Sent:
        """Bring a result to its owner; before `on_wire` was told, nothing can have arrived."""

    async def replace_result(self, portrait: Portrait, before: Result, result: Result) -> Sent | None:
        """Show a result in the message of the one before; None when that is gone. It may be repeated."""

    async def renew_buttons(self, portrait: Portrait) -> None:
        """Show the buttons below the film as they are now. Raises nothing."""

    async def send_notice(self, portrait: Portrait, notice: Notice, age: float) -> int | None:
        """Say this about results; return the message, None where the chat accepts none."""

    async def remove_status(self, portrait: Portrait) -> None:
        """Delete the status message: everything was sent, or answered."""

    async def show_failure(self, portrait: Portrait) -> None:
        """Say in the status message why it did not work."""

    async def show_cancelled(self, portrait: Portrait) -> None:
        """Say in the status message that we stopped."""

    async def delete_messages(self, portraits: Iterable[Portrait], messages: Mapping[int, Sequence[int]]) -> bool:
        """Delete the portraits' status messages, and these messages by chat.

        False if some stay, or may stay, such as an `UNKNOWN_MESSAGE`.
        """


class StickerSetMaker(Protocol):
    """The messenger's sticker sets, each made by us for its owner; deleting from them raises nothing."""

    def name(self, name: str) -> str:
        """Return the name that a set must have with us; everybody can read it."""

    async def stickers(self, name: str) -> list[str] | None:
        """Return the file ids of a set's stickers; None when there is no such set."""

    async def add(self, portrait: Portrait, result: Result, name: str, new: bool) -> None:
        """Put a sticker into the owner's set of this name, which is made for it if `new`.

        Raises `PackRefused` where the owner can have none, `PackFull` when no more go in.
        """

    async def delete_stickers(self, file_ids: Iterable[str]) -> bool:
        """Take stickers out of their sets; False when some may still be there."""

    async def delete_sets(self, names: Iterable[str]) -> bool:
        """Delete sets; False when some may still be there."""


class Alerts(Protocol):
    """Tells the administrators what went wrong."""

    async def update_failed(self, error: str) -> None:
        """Tell of an error outside any portrait; of one type once an hour. Raises nothing."""

    async def portrait_failed(self, portrait: Portrait, error: str) -> None:
        """Tell which portrait failed, and of what type of error. Raises nothing."""
