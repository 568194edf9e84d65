"""The one message a portrait has in its chat: the question, then the progress, then how it ended."""

import asyncio
import logging

from telegram import InputMediaPhoto, Message, ReplyParameters
from telegram.error import BadRequest, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.messaging.errors import Meaning, meaning_of, translated, unchanged
from bot.messaging.progress_board import ProgressBoard, ProgressMessage
from bot.messaging.rate_limiter import RateLimiter
from bot.messaging.telegram_calls import quietly, reply_to, replying
from bot.messaging.views import MessageView
from bot.portraits.errors import ChatGone, ChatMoved, DeliveryUncertain, MessengerUnavailable
from storage import UNKNOWN_MESSAGE, Portrait, Storage

_logger = logging.getLogger(__name__)

_NOTING_GRACE_S = 1.0  # s for a message under way when its task is cancelled; longer delays the stop


class StatusMessages:
    """Shows, moves and removes status messages; `board` edits those that show progress."""

    def __init__(self, bot: ExtBot[int], rate_limiter: RateLimiter, storage: Storage) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        self._storage = storage
        self.board = ProgressBoard(self._edit_progress)

    async def show(self, portrait: Portrait, view: MessageView, picture: bytes | None = None) -> None:
        """Edit the status message, or send it when there is none; `picture` is a JPEG above it.

        Raises the errors of `bot.portraits.errors`.
        """
        await self.board.drop(portrait.id)
        if portrait.status_message is None:
            await self._send_status(portrait, view)
            portrait = await self._storage.portraits.get(portrait.id) or portrait
            if picture is None or portrait.status_message is None:
                return
        with translated():
            try:
                if picture and await self._show_picture(portrait.chat, portrait.status_message, view, picture):
                    return
                await self._edit(portrait.chat, portrait.status_message, view)
            except BadRequest as error:
                if meaning_of(error) is Meaning.MESSAGE_GONE:  # it was deleted: ask where it can be seen
                    await self._send_status(portrait, view)
                elif not unchanged(error):
                    raise

    async def show_if_possible(self, portrait: Portrait, view: MessageView) -> None:
        """Like `show`, for what is not worth a failure of its own."""
        try:
            await self.show(portrait, view)
        except (ChatGone, ChatMoved, MessengerUnavailable, TelegramError) as error:
            _logger.info("portrait %d: not told: %s", portrait.id, type(error).__name__)

    def show_later(self, portrait: Portrait, view: MessageView, preview: bytes | None = None) -> None:
        """Show this when the rate limit allows it, or whatever is newer by then; `preview` is a JPEG above it."""
        if portrait.status_message:
            self.board.show(portrait.id, portrait.chat, portrait.status_message, view, preview)

    async def move_below(self, portrait: Portrait, view: MessageView, message: int) -> None:
        """Send the status message anew, below a message of the owner's, where it is seen."""
        await self.board.drop(portrait.id)
        await self._send_status(portrait, view, ReplyParameters(message, allow_sending_without_reply=True))
        if portrait.status_message:
            await quietly(self._bot.delete_message(portrait.chat, portrait.status_message))

    async def remove(self, portrait: Portrait) -> None:
        """Delete the status message; a newer one stays."""
        await self.board.drop(portrait.id)
        if portrait.status_message:
            await quietly(self._bot.delete_message(portrait.chat, portrait.status_message))
            now = await self._storage.portraits.get(portrait.id)
            if now and now.status_message == portrait.status_message:
                await self._storage.portraits.change(portrait.id, self._storage.now(), status_message=None)

    async def send(self, portrait: Portrait, view: MessageView, below: ReplyParameters | None = None) -> Message:
        """Send a message about the portrait, in reply to what began it unless told otherwise."""

        async def send(to: ReplyParameters | None) -> Message:
            return await self._bot.send_message(
                portrait.chat,
                view.text,
                reply_markup=view.keyboard,
                reply_parameters=to,
                message_thread_id=portrait.topic,
            )

        return await replying(below or reply_to(portrait), send)

    async def _send_status(self, portrait: Portrait, view: MessageView, below: ReplyParameters | None = None) -> None:
        """Send the message and note it; who is cancelled meanwhile waits a moment: unnoted, it would stay for ever."""
        sending = asyncio.create_task(self._send_and_note(portrait, view, below))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            if (await asyncio.wait([sending], timeout=_NOTING_GRACE_S))[0]:
                sending.exception()  # seen; the next attempt meets it, too
            raise
        finally:
            sending.cancel()

    async def _send_and_note(self, portrait: Portrait, view: MessageView, below: ReplyParameters | None = None) -> None:
        try:
            with translated():
                message = await self.send(portrait, view, below)
        except DeliveryUncertain:
            await self._storage.messages.record(portrait.id, portrait.chat, UNKNOWN_MESSAGE)
            raise
        sent = message.message_id
        if await self._storage.portraits.change(portrait.id, self._storage.now(), status_message=sent) is None:
            await quietly(self._bot.delete_message(portrait.chat, sent))  # its portrait was deleted meanwhile

    async def _edit(self, chat: int, message: int, view: MessageView, rate_limit_args: int | None = None) -> None:
        """Edit a message of ours, be it a text or a picture with a caption."""
        try:
            await self._bot.edit_message_text(
                view.text, chat, message, reply_markup=view.keyboard, rate_limit_args=rate_limit_args
            )
        except BadRequest as error:
            if meaning_of(error) is not Meaning.NO_TEXT:
                raise
            await self._bot.edit_message_caption(
                chat, message, caption=view.text, reply_markup=view.keyboard, rate_limit_args=rate_limit_args
            )

    async def _edit_progress(self, news: ProgressMessage) -> None:
        """The board's edit: dropped rather than delayed."""
        if self._rate_limiter.busy(news.chat):
            raise MessengerUnavailable("no time for an edit")
        try:
            if news.preview and await self._show_picture(
                news.chat, news.message, news.view, news.preview, rate_limit_args=0
            ):
                news.picture = True
            elif news.picture:
                await self._bot.edit_message_caption(
                    news.chat,
                    news.message,
                    caption=news.view.text,
                    reply_markup=news.view.keyboard,
                    rate_limit_args=0,
                )
            else:
                await self._edit(news.chat, news.message, news.view, rate_limit_args=0)
        except RetryAfter:
            raise MessengerUnavailable("no time for an edit") from None
        except BadRequest as error:
            if not unchanged(error):
                raise

    async def _show_picture(
        self, chat: int, message: int, view: MessageView, picture: bytes, rate_limit_args: int | None = None
    ) -> bool:
        """Show a JPEG above the words of our message; False where the chat takes no pictures."""
        media = InputMediaPhoto(picture, caption=view.text, filename="preview.jpg")
        try:
            await self._bot.edit_message_media(
                media, chat, message, reply_markup=view.keyboard, rate_limit_args=rate_limit_args
            )
        except BadRequest as error:
            if meaning_of(error) not in (Meaning.MEDIA_REFUSED, Meaning.MEDIA_UNUSABLE):
                raise
            return False
        return True
