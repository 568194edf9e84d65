"""One progress message a portrait, edited by one clock for all chats.

Whoever has news calls `show`, as often as they like; the clock sends the latest news of each message no more often
than Telegram likes, round robin within a chat, and drops what would have to wait.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bot.messaging.views import MessageView

_logger = logging.getLogger(__name__)

_TICK_INTERVAL_S = 0.5  # s between two looks at what is due; longer makes progress jerky
_PRIVATE_EDIT_INTERVAL_S = 3.0  # s between two edits in a private chat; Telegram allows one message a second
_GROUP_EDIT_INTERVAL_S = 8.0  # s between two edits in a group; Telegram allows 20 messages a minute
_MAX_EDITS_PER_TICK = 8  # 16 a second leave room for results within Telegram's 30

Edit = Callable[["ProgressMessage"], Awaitable[None]]


_MAX_FAILED_EDITS = 3  # in a row; then this news is given up: the message may be gone


@dataclass(slots=True)
class ProgressMessage:
    """The progress message of one portrait, and what it should show."""

    portrait: int
    chat: int
    message: int
    view: MessageView
    preview: bytes | None = None  # a JPEG; None leaves the one that is shown
    picture: bool = False  # whether the message shows a picture already
    shown: MessageView | None = None
    edited_at: float = field(default=0.0)
    misses: int = 0  # edits in a row that failed


class ProgressBoard:
    """`async with` starts the clock. `edit` changes the message; what it raises is its own business to log."""

    def __init__(self, edit: Edit, clock: Callable[[], float] = time.monotonic) -> None:
        self._edit = edit
        self._clock = clock
        self._notes: dict[int, ProgressMessage] = {}
        self._chat_at: dict[int, float] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._editing: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        self._ticking = asyncio.create_task(self._tick(), name="status board")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)

    def show(self, portrait: int, chat: int, message: int, view: MessageView, preview: bytes | None = None) -> None:
        """What the portrait's message should show from now on."""
        note = self._notes.get(portrait)
        if note is None or (note.chat, note.message) != (chat, message):
            self._notes[portrait] = ProgressMessage(portrait, chat, message, view, preview)
        else:
            note.view = view
            note.preview = preview or note.preview

    def news(self, portrait: int) -> MessageView | None:
        """What the portrait's message should show, shown already or not."""
        note = self._notes.get(portrait)
        return note.view if note else None

    async def drop(self, portrait: int) -> None:
        """Touch this message no more; returns when an edit under way has ended."""
        self._notes.pop(portrait, None)
        while portrait in self._editing:
            self._idle.clear()
            await self._idle.wait()

    async def due(self) -> None:
        """Edit what is due now. The clock calls it; tests with a clock of their own do too."""
        now = self._clock()
        chosen: dict[int, ProgressMessage] = {}
        for note in sorted(self._notes.values(), key=lambda note: note.edited_at):
            if (
                note.chat not in chosen
                and (note.view != note.shown or note.preview)
                and now >= self._chat_at.get(note.chat, 0.0)
            ):
                chosen[note.chat] = note
        await asyncio.gather(*(self._edit_one(note, now) for note in list(chosen.values())[:_MAX_EDITS_PER_TICK]))
        self._chat_at = {chat: at for chat, at in self._chat_at.items() if at > now}

    async def _edit_one(self, note: ProgressMessage, now: float) -> None:
        note.edited_at = now
        self._chat_at[note.chat] = now + (_GROUP_EDIT_INTERVAL_S if note.chat < 0 else _PRIVATE_EDIT_INTERVAL_S)
        view, preview = note.view, note.preview
        self._editing.add(note.portrait)
        try:
            await self._edit(note)
        except Exception as error:  # what could not be said is said again, by then with newer news
            _logger.debug("a progress message was not edited: %s", type(error).__name__)
            note.misses += 1
            if note.misses < _MAX_FAILED_EDITS:
                return
        finally:
            self._editing.discard(note.portrait)
            self._idle.set()
        note.misses = 0
        note.shown = view
        if note.preview is preview:
            note.preview = None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_INTERVAL_S)
            await self.due()
