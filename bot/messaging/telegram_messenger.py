"""Talks with owners on Telegram: the bot's questions, progress and results about portraits."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from telegram import File, InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError
from telegram.ext import ExtBot

from bot.messaging.errors import translated, unchanged
from bot.messaging.keyboards import cancel_keyboard
from bot.messaging.rate_limiter import ON_WIRE, RateLimiter
from bot.messaging.result_sender import ResultSender
from bot.messaging.status_messages import StatusMessages
from bot.messaging.telegram_calls import quietly
from bot.messaging.views import MessageView, about_results, breed_matches, failure, progress, question, queued
from bot.portraits.errors import FileGone, MediaRefused, TooLarge
from bot.portraits.messenger import OnWire, Sent
from bot.texts import Words, words_for
from engine import PhotoError, PhotoReason, Progress
from storage import UNKNOWN_MESSAGE, Kind, Notice, Portrait, Result, State, Storage

_logger = logging.getLogger(__name__)

MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024  # bytes; Telegram lets a bot download no more
_MAX_DELETED_MESSAGES = 100  # messages in one request; Telegram allows no more


class TelegramMessenger:
    """The `Messenger` of Telegram. `alerted` is whether there is an administrator who hears of our defects."""

    def __init__(
        self, bot: ExtBot[int], rate_limiter: RateLimiter, storage: Storage, results: ResultSender, alerted: bool
    ) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        self._storage = storage
        self._results = results
        self._alerted = alerted
        self._status = StatusMessages(bot, rate_limiter, storage)
        self.board = self._status.board

    async def fetch(self, file_id: str) -> bytes:
        try:
            with translated():
                file = await self._bot.get_file(file_id)
                if file.file_size and file.file_size > MAX_DOWNLOAD_BYTES:
                    raise TooLarge
                return await _download(file)
        except TooLarge:
            raise PhotoError(PhotoReason.TOO_LARGE) from None
        except BadRequest:
            raise FileGone("refused") from None

    async def ask(self, portrait: Portrait) -> None:
        picture = None
        if portrait.state is State.AWAITING_HEAD and portrait.numbered:
            with suppress(FileNotFoundError):  # the owner has chosen meanwhile
                picture = await self._storage.media.read(portrait.numbered)
        await self._status.show(portrait, await self._question(portrait), picture)

    async def _question(self, portrait: Portrait) -> MessageView:
        pets = await self._storage.pets.of_owner(portrait.owner) if portrait.state is State.AWAITING_BREED else []
        album = await self._storage.albums.of(portrait.id) if portrait.album else []
        return question(_words(portrait), portrait, pets, [photo.message for photo in album])

    async def answer(self, portrait: Portrait, typed: str, message: int, breeds: Sequence[str]) -> None:
        """Answer words that are no clear breed: offer these breeds, below the words, where it is seen."""
        pets = await self._storage.pets.of_owner(portrait.owner)
        view = breed_matches(_words(portrait), portrait, typed, breeds, pets)
        await self._status.move_below(portrait, view, message)

    async def ask_below(self, portrait: Portrait, message: int) -> None:
        """Ask the open question again, below words that changed it."""
        await self._status.move_below(portrait, await self._question(portrait), message)

    async def delete_status(self, portrait: Portrait) -> None:
        """Delete the status message that the portrait had; another one has taken its place, or will."""
        if portrait.status_message:
            await quietly(self._bot.delete_message(portrait.chat, portrait.status_message))

    async def show_looking(self, portrait: Portrait, times: int) -> None:
        if times == 1 and portrait.status_message is None:
            words = _words(portrait)
            view = MessageView(words("question.looking"), cancel_keyboard(words, portrait))
            await self._status.show_if_possible(portrait, view)
        else:
            await self._show_action(portrait, ChatAction.TYPING)

    async def show_sending(self, portrait: Portrait, times: int) -> None:
        await self._show_action(portrait, ChatAction.UPLOAD_VIDEO if times else ChatAction.UPLOAD_PHOTO)

    async def show_queued(self, portrait: Portrait, before: int, wait_s: float | None, paused: bool) -> None:
        self._status.show_later(portrait, queued(_words(portrait), portrait, before, wait_s, paused))

    async def show_moved(self, portrait: Portrait) -> None:
        news = self.board.news(portrait.id) or queued(_words(portrait), portrait, 0, None)
        await self._status.show_if_possible(portrait, news)

    def show_progress(self, portrait: Portrait, progress_: Progress) -> None:
        view = progress(_words(portrait), portrait, progress_)
        self._status.show_later(portrait, view, progress_.preview)

    async def send_result(self, portrait: Portrait, result: Result, on_wire: OnWire) -> Sent:
        before = ON_WIRE.set(on_wire)
        try:
            return await self._results.send(portrait, result)
        finally:
            ON_WIRE.reset(before)

    async def replace_result(self, portrait: Portrait, before: Result, result: Result) -> Sent | None:
        return await self._results.replace(portrait, before, result)

    async def result_keyboard(self, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
        """Return the buttons below a film of this age, as they are now."""
        return await self._results.keyboard(portrait, age)

    async def renew_buttons(self, portrait: Portrait) -> None:
        for film in await self._storage.results.of(portrait.id):
            if film.kind is Kind.FILM and film.message:
                keyboard = await self._results.keyboard(portrait, film.age)
                await quietly(self._bot.edit_message_reply_markup(portrait.chat, film.message, reply_markup=keyboard))

    async def send_notice(self, portrait: Portrait, notice: Notice, age: float) -> int | None:
        view = about_results(_words(portrait), portrait, notice, age, self._alerted)
        try:
            with translated():
                return (await self._status.send(portrait, view)).message_id
        except (BadRequest, MediaRefused) as error:
            _logger.info("portrait %d: not said: %s", portrait.id, type(error).__name__)
            return None

    async def remove_status(self, portrait: Portrait) -> None:
        await self._status.remove(portrait)

    async def show_failure(self, portrait: Portrait) -> None:
        await self._status.show(portrait, failure(_words(portrait), portrait, self._alerted))

    async def show_cancelled(self, portrait: Portrait) -> None:
        await self._status.show(portrait, MessageView(_words(portrait)("progress.cancelled")))

    async def delete_messages(self, portraits: Iterable[Portrait], messages: Mapping[int, Sequence[int]]) -> bool:
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
                gone &= await self._delete(chat, numbers[at : at + _MAX_DELETED_MESSAGES])
        return gone

    async def _delete(self, chat: int, messages: Sequence[int]) -> bool:
        """Delete messages; False if some stay. One that is too old for it keeps all the others of a request."""
        try:
            await self._bot.delete_messages(chat, messages)
        except BadRequest as error:
            if len(messages) == 1:
                return unchanged(error)
            return all([await self._delete(chat, [message]) for message in messages])
        except TelegramError as error:
            _logger.info("not deleted: %s", type(error).__name__)
            return False
        return True

    async def _show_action(self, portrait: Portrait, action: ChatAction) -> None:
        if not self._rate_limiter.busy(portrait.chat):
            action_sent = self._bot.send_chat_action(
                portrait.chat, action, message_thread_id=portrait.topic, rate_limit_args=0
            )
            await quietly(action_sent)


async def _download(file: File) -> bytes:
    try:
        return bytes(await file.download_as_bytearray())
    except (InvalidToken, Forbidden):  # 404: there is no such file; python-telegram-bot thinks of the token
        raise FileGone("not found") from None


def _words(portrait: Portrait) -> Words:
    return words_for(portrait.language)
