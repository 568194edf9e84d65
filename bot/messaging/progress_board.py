"""Edits the progress messages of all portraits, each as often as Telegram allows.

`show` may be called as often as there is news. A clock sends the latest news of each message, one after another within
a chat, and drops what would have to wait.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from bot.messaging.views import MessageView
from bot.operations.lifetimes import in_background

_logger = logging.getLogger(__name__)

_TICK_INTERVAL_S = 0.5  # s between two looks at what is due; longer makes progress jerky
_PRIVATE_EDIT_INTERVAL_S = 2.0  # s between two edits in a private chat; Telegram allows one message a second
_GROUP_EDIT_INTERVAL_S = 8.0  # s between two edits in a group; Telegram allows 20 messages a minute
_MAX_EDITS_PER_TICK = 8  # 16 a second leave room for results within Telegram's 30

_MAX_FAILED_EDITS = 3  # in a row; then this news is given up: the message may be gone


@dataclass(slots=True)
class ProgressMessage:
    """A portrait's status message while it shows progress, and what it should show."""

    portrait: int
    chat: int
    message: int
    view: MessageView
    preview: bytes | None = None  # a JPEG; None leaves the one that is shown
    picture: bool = False  # whether the message is a picture already
    shown: MessageView | None = None
    edited_at: float = field(default=0.0)
    misses: int = 0  # edits in a row that failed


class ProgressBoard:
    """Within `running` the clock ticks. `edit` changes a message; after an error the news is sent again."""

    def __init__(
        self, edit: Callable[[ProgressMessage], Awaitable[None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._edit = edit
        self._clock = clock
        self._messages: dict[int, ProgressMessage] = {}
        self._chat_at: dict[int, float] = {}
        self._editing: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def running(self) -> AbstractAsyncContextManager[None]:
        return in_background(self._tick())

    def show(self, portrait: int, chat: int, message: int, view: MessageView, preview: bytes | None = None) -> None:
        """Have the portrait's message show this from now on; `preview` is a JPEG."""
        progress = self._messages.get(portrait)
        if progress is None or (progress.chat, progress.message) != (chat, message):
            self._messages[portrait] = ProgressMessage(portrait, chat, message, view, preview)
        else:
            progress.view = view
            progress.preview = preview or progress.preview

    def news(self, portrait: int) -> MessageView | None:
        """Return what the portrait's message should show, whether it does already or not."""
        progress = self._messages.get(portrait)
        return progress.view if progress else None

    async def drop(self, portrait: int) -> None:
        """Edit this message no more; return when an edit under way has ended."""
        self._messages.pop(portrait, None)
        while portrait in self._editing:
            self._idle.clear()
            await self._idle.wait()

    async def due(self) -> None:
        """Edit what is due now. The clock calls it."""
        now = self._clock()
        chosen: dict[int, ProgressMessage] = {}
        for progress in sorted(self._messages.values(), key=lambda progress: progress.edited_at):
            if (
                progress.chat not in chosen
                and (progress.view != progress.shown or progress.preview)
                and now >= self._chat_at.get(progress.chat, 0.0)
            ):
                chosen[progress.chat] = progress
        await asyncio.gather(
            *(self._edit_one(progress, now) for progress in list(chosen.values())[:_MAX_EDITS_PER_TICK])
        )
        self._chat_at = {chat: at for chat, at in self._chat_at.items() if at > now}

    async def _edit_one(self, progress: ProgressMessage, now: float) -> None:
        progress.edited_at = now
        interval_s = _GROUP_EDIT_INTERVAL_S if progress.chat < 0 else _PRIVATE_EDIT_INTERVAL_S
        self._chat_at[progress.chat] = now + interval_s
        view, preview = progress.view, progress.preview
        self._editing.add(progress.portrait)
        try:
            await self._edit(progress)
        except Exception as error:  # it is shown again, by then with newer news
            _logger.debug("a progress message was not edited: %s", type(error).__name__)
            progress.misses += 1
            if progress.misses < _MAX_FAILED_EDITS:
                return
        finally:
            self._editing.discard(progress.portrait)
            self._idle.set()
        progress.misses = 0
        progress.shown = view
        if progress.preview is preview:
            progress.preview = None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_INTERVAL_S)
            await self.due()
