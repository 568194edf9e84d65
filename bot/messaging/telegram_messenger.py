"""Speaking Telegram: the bot's questions, progress and results about portraits."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from telegram import InlineKeyboardMarkup, InputFile, InputMediaPhoto, Message, ReplyParameters
from telegram.constants import ChatAction
from telegram.error import BadRequest, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.messaging.errors import has_no_text, refuses_media, translated, unchanged
from bot.messaging.keyboards import cancel_keyboard, result_keyboard
from bot.messaging.progress_board import ProgressBoard, ProgressMessage
from bot.messaging.rate_limiter import RateLimiter
from bot.messaging.views import MessageView, about_results, breed_matches, caption, failure, progress, question, queued
from bot.portraits.errors import ChatGone, ChatMoved, DeliveryUncertain, FileGone, MediaRefused, MessengerUnavailable
from bot.portraits.messenger import Sent
from bot.texts import DEFAULT, Words, closest_language, words_for
from engine import Progress
from storage import UNKNOWN_MESSAGE, Kind, Notice, Portrait, Result, State, Storage

_logger = logging.getLogger(__name__)

MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024  # bytes; Telegram lets a bot download no more
_MAX_DELETED_MESSAGES = 100  # messages in one request; Telegram allows no more
_MAX_REFUSALS = 3  # refusals (429) to wait out for what must arrive; more would block the chat for minutes
_REPORT_INTERVAL_S = 3600.0  # s between two reports of one type of error; shorter floods the administrators
_UPLOAD_TIMEOUT_S = 120.0  # s; Telegram may take this long to answer an upload that it has accepted


class TelegramMessenger:
    """The `Messenger` of Telegram."""

    def __init__(self, bot: ExtBot[int], rate_limiter: RateLimiter, storage: Storage, admins: Iterable[int]) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        self._storage = storage
        self._admins = tuple(admins)
        self._reported: dict[str, float] = {}  # when, by type of error
        self.board = ProgressBoard(self._edit_note)

    async def fetch(self, file_id: str) -> bytes:
        try:
            with translated():
                file = await self._bot.get_file(file_id)
                if file.file_size and file.file_size > MAX_DOWNLOAD_BYTES:
                    raise FileGone("too large")
                return bytes(await file.download_as_bytearray())
        except BadRequest:
            raise FileGone("refused") from None

    async def ask(self, portrait: Portrait) -> None:
        pets = await self._storage.pets.of_owner(portrait.owner) if portrait.state is State.AWAITING_BREED else []
        await self._show(portrait, question(_words(portrait), portrait, pets))

    async def answer(self, portrait: Portrait, typed: str, message: int, breeds: Sequence[str]) -> None:
        """Answer words that are no clear breed below them, where it is seen: the portrait's one message moves there."""
        pets = await self._storage.pets.of_owner(portrait.owner)
        await self._move_below(portrait, breed_matches(_words(portrait), portrait, typed, breeds, pets), message)

    async def ask_below(self, portrait: Portrait, message: int) -> None:
        """Ask the open question again, below words that changed it."""
        await self._move_below(portrait, question(_words(portrait), portrait), message)

    async def _move_below(self, portrait: Portrait, view: MessageView, message: int) -> None:
        await self.board.drop(portrait.id)
        await self._send_status(portrait, view, ReplyParameters(message, allow_sending_without_reply=True))
        if portrait.status_message:
            await self._quietly(self._bot.delete_message(portrait.chat, portrait.status_message))

    async def looking(self, portrait: Portrait, times: int) -> None:
        if times == 1 and portrait.status_message is None:
            words = _words(portrait)
            view = MessageView(words("question.looking"), cancel_keyboard(words, portrait))
            try:
                await self._send_status(portrait, view)
            except (ChatGone, ChatMoved, MessengerUnavailable, TelegramError) as error:
                _logger.info("portrait %d: not told: %s", portrait.id, type(error).__name__)
        else:
            await self._act(portrait, ChatAction.TYPING)

    async def sending(self, portrait: Portrait, times: int) -> None:
        await self._act(portrait, ChatAction.UPLOAD_VIDEO if times else ChatAction.UPLOAD_PHOTO)

    async def queued(self, portrait: Portrait, before: int, wait_s: float | None, paused: bool) -> None:
        view = queued(_words(portrait), portrait, before, wait_s, paused)
        if portrait.status_message:
            self.board.show(portrait.id, portrait.chat, portrait.status_message, view)

    async def moved(self, portrait: Portrait) -> None:
        news = self.board.news(portrait.id) or queued(_words(portrait), portrait, 0, None)
        await self._tell(portrait, news)

    def progress(self, portrait: Portrait, progress_: Progress) -> None:
        if portrait.status_message:
            view = progress(_words(portrait), portrait, progress_)
            self.board.show(portrait.id, portrait.chat, portrait.status_message, view, progress_.preview)

    async def send(self, portrait: Portrait, result: Result) -> Sent:
        words = _words(portrait)
        text = caption(words, portrait, result.kind, result.age)
        shareable = self._bot.supports_inline_queries
        keyboard = result_keyboard(words, portrait, result.age, shareable) if result.kind is Kind.FILM else None
        with translated():
            try:
                message = await self._send_result(portrait, result, result.file_id, text, keyboard)
            except BadRequest as error:
                if not result.file_id or refuses_media(error):
                    raise
                # A file_id is no promise for ever; the file itself is.
                message = await self._send_result(portrait, result, None, text, keyboard)
        return Sent(message.message_id, file_id_of(message))

    async def _send_result(
        self,
        portrait: Portrait,
        result: Result,
        file_id: str | None,
        text: str,
        keyboard: InlineKeyboardMarkup | None,
    ) -> Message:
        content = file_id or await self._storage.media.read(result.digest or "")
        reply, topic = reply_to(portrait), portrait.topic
        if result.kind is not Kind.FILM:
            return await self._bot.send_photo(
                portrait.chat,
                content if isinstance(content, str) else InputFile(content, "throwback.jpg"),
                caption=text,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=topic,
                read_timeout=_UPLOAD_TIMEOUT_S,
                rate_limit_args=_MAX_REFUSALS,
            )
        thumbnail = await self._storage.media.read(result.thumbnail) if result.thumbnail and not file_id else None
        return await self._bot.send_video(
            portrait.chat,
            content if isinstance(content, str) else InputFile(content, "throwback.mp4"),
            caption=text,
            width=result.width,
            height=result.height,
            duration=round(result.duration_s),
            thumbnail=thumbnail,
            supports_streaming=True,
            reply_markup=keyboard,
            reply_parameters=reply,
            message_thread_id=topic,
            read_timeout=_UPLOAD_TIMEOUT_S,
            rate_limit_args=_MAX_REFUSALS,
        )

    async def say(self, portrait: Portrait, notice: Notice, age: float) -> int | None:
        view = about_results(_words(portrait), portrait, notice, age, bool(self._admins))
        try:
            with translated():
                return (await self._send(portrait, view)).message_id
        except (BadRequest, MediaRefused) as error:  # a closed topic, say
            _logger.info("portrait %d: not said: %s", portrait.id, type(error).__name__)
            return None

    async def finished(self, portrait: Portrait) -> None:
        await self.board.drop(portrait.id)
        if portrait.status_message:
            await self._quietly(self._bot.delete_message(portrait.chat, portrait.status_message))
            now = await self._storage.portraits.get(portrait.id)
            if now and now.status_message == portrait.status_message:
                await self._storage.portraits.change(portrait.id, self._storage.now(), status_message=None)

    async def failed(self, portrait: Portrait) -> None:
        await self._show(portrait, failure(_words(portrait), portrait, bool(self._admins)))

    async def cancelled(self, portrait: Portrait) -> None:
        await self._show(portrait, MessageView(_words(portrait)("progress.cancelled")))

    async def erase(self, portraits: Iterable[Portrait], messages: Mapping[int, Sequence[int]]) -> bool:
        by_chat = {chat: list(numbers) for chat, numbers in messages.items()}
        for portrait in portraits:
            await self.board.drop(portrait.id)
            if portrait.status_message:
                by_chat.setdefault(portrait.chat, []).append(portrait.status_message)
        gone = True
        for chat, known in by_chat.items():
            numbers = [number for number in known if number != UNKNOWN_MESSAGE]
            gone &= len(numbers) == len(known)
            for at in range(0, len(numbers), _MAX_DELETED_MESSAGES):
                gone &= await self._erase(chat, numbers[at : at + _MAX_DELETED_MESSAGES])
        return gone

    async def _erase(self, chat: int, messages: Sequence[int]) -> bool:
        """Delete messages; False if some stay. One that is too old for it keeps all the others of a request."""
        try:
            await self._bot.delete_messages(chat, messages)
        except BadRequest as error:
            if len(messages) == 1:
                return unchanged(error)
            return all([await self._erase(chat, [message]) for message in messages])
        except TelegramError as error:
            _logger.info("not deleted: %s", type(error).__name__)
            return False
        return True

    async def alarm(self, portrait: Portrait, error: str) -> None:
        await self._tell_admins("admin.failure", portrait=portrait.id, error=error)

    async def report(self, error: str) -> None:
        """Tell the administrators of an error outside any portrait; of one type once an hour."""
        now = self._storage.now()
        if now - self._reported.get(error, -_REPORT_INTERVAL_S) < _REPORT_INTERVAL_S:
            return
        self._reported[error] = now
        await self._tell_admins("admin.error", error=error)

    async def _tell_admins(self, key: str, **values: object) -> None:
        for admin in self._admins:
            person = await self._storage.people.get(admin)
            language = person.language or closest_language(person.telegram_language) if person else DEFAULT
            words = words_for(language)
            await self._quietly(self._bot.send_message(admin, words(key, **values)))

    # ---- how it is said

    async def _show(self, portrait: Portrait, view: MessageView) -> None:
        """Edit the portrait's one message, or send it when there is none."""
        await self.board.drop(portrait.id)
        if portrait.status_message is None:
            await self._send_status(portrait, view)
            return
        with translated():
            try:
                await self._edit(portrait.chat, portrait.status_message, view, rate_limit_args=_MAX_REFUSALS)
            except BadRequest as error:
                if not unchanged(error):
                    raise
                if "not modified" not in str(error).lower():  # it was deleted: ask where it can be seen
                    await self._send_status(portrait, view)

    async def _send_status(self, portrait: Portrait, view: MessageView, below: ReplyParameters | None = None) -> None:
        """Send the portrait's one message, in reply to what began it unless told otherwise."""
        try:
            with translated():
                message = await self._send(portrait, view, below)
        except DeliveryUncertain:
            await self._storage.messages.record(portrait.id, portrait.chat, UNKNOWN_MESSAGE)
            raise
        await self._storage.portraits.change(portrait.id, self._storage.now(), status_message=message.message_id)

    async def _send(self, portrait: Portrait, view: MessageView, below: ReplyParameters | None = None) -> Message:
        return await self._bot.send_message(
            portrait.chat,
            view.text,
            reply_markup=view.keyboard,
            reply_parameters=below or reply_to(portrait),
            message_thread_id=portrait.topic,
            rate_limit_args=_MAX_REFUSALS,
        )

    async def _edit(self, chat: int, message: int, view: MessageView, rate_limit_args: int = 0) -> None:
        """Edit a message of ours, be it a text or a picture with a caption."""
        try:
            await self._bot.edit_message_text(
                view.text, chat, message, reply_markup=view.keyboard, rate_limit_args=rate_limit_args
            )
        except BadRequest as error:
            if not has_no_text(error):
                raise
            await self._bot.edit_message_caption(
                chat, message, caption=view.text, reply_markup=view.keyboard, rate_limit_args=rate_limit_args
            )

    async def _edit_note(self, note: ProgressMessage) -> None:
        """The status board's edit: dropped rather than delayed."""
        if self._rate_limiter.busy(note.chat):
            raise MessengerUnavailable("no time for an edit")
        try:
            if note.preview and await self._edit_preview(note, note.preview):
                note.picture = True
            elif note.picture:
                await self._bot.edit_message_caption(
                    note.chat, note.message, caption=note.view.text, reply_markup=note.view.keyboard
                )
            else:
                await self._edit(note.chat, note.message, note.view)
        except RetryAfter:
            raise MessengerUnavailable("no time for an edit") from None
        except BadRequest as error:
            if not unchanged(error):
                raise

    async def _edit_preview(self, note: ProgressMessage, preview: bytes) -> bool:
        """Show the preview above the words; False where the chat takes no pictures."""
        media = InputMediaPhoto(preview, caption=note.view.text, filename="preview.jpg")
        try:
            await self._bot.edit_message_media(media, note.chat, note.message, reply_markup=note.view.keyboard)
        except BadRequest as error:
            if not refuses_media(error):
                raise
            return False
        return True

    async def _tell(self, portrait: Portrait, view: MessageView) -> None:
        """Like `_show`, for what is not worth a failure of its own."""
        try:
            await self._show(portrait, view)
        except (ChatGone, ChatMoved, MessengerUnavailable, TelegramError) as error:
            _logger.warning("portrait %d: not told: %s", portrait.id, type(error).__name__)

    async def _act(self, portrait: Portrait, action: ChatAction) -> None:
        if not self._rate_limiter.busy(portrait.chat):
            await self._quietly(self._bot.send_chat_action(portrait.chat, action, message_thread_id=portrait.topic))

    async def _quietly(self, request: object) -> None:
        """Await a request whose failure changes nothing."""
        try:
            await request  # type: ignore[misc]
        except TelegramError as error:
            _logger.info("not said: %s", type(error).__name__)


def _words(portrait: Portrait) -> Words:
    return words_for(portrait.language)


def reply_to(portrait: Portrait) -> ReplyParameters | None:
    """To the owner's message; None for one that stayed behind when its group became a supergroup."""
    if portrait.photo_message is None:
        return None
    return ReplyParameters(portrait.photo_message, allow_sending_without_reply=True)


def file_id_of(message: Message) -> str:
    if message.video:
        return message.video.file_id
    return message.photo[-1].file_id if message.photo else ""
