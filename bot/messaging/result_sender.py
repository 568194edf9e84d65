"""Sending pictures and films of portraits."""

from collections.abc import Awaitable, Callable
from typing import Any

from telegram import InlineKeyboardMarkup, InputFile, InputMediaPhoto, InputMediaVideo, Message, ReplyParameters
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.messaging.errors import Meaning, meaning_of, translated
from bot.messaging.keyboards import pack_keyboard, result_keyboard, sticker_keyboard
from bot.messaging.telegram_calls import file_id_of, reply_to, replying
from bot.messaging.views import caption
from bot.portraits.engine_results import FILE_SUFFIXES
from bot.portraits.errors import DeliveryUncertain, MessengerUnavailable
from bot.portraits.messenger import Sent
from bot.texts import words_for
from storage import Kind, Portrait, Result, Storage

_FILE_ID_TO_BLAME = (
    Meaning.FILE_GONE,
    Meaning.MEDIA_UNUSABLE,
    Meaning.DEFECT,
)  # an upload may do where one of these came

_VIDEO_KINDS = (Kind.FILM, Kind.STORY, Kind.WIPE, Kind.AGED_FILM)


class ResultSender:
    """Sends results by what Telegram has of them, else from the disk. `upload_timeout_s` is for Telegram's answer."""

    def __init__(self, bot: ExtBot[int], storage: Storage, upload_timeout_s: float) -> None:
        self._bot = bot
        self._storage = storage
        self._upload_timeout_s = upload_timeout_s
        self._methods: dict[Kind, Callable[..., Awaitable[Message]]] = dict.fromkeys(_VIDEO_KINDS, bot.send_video) | {
            Kind.LOOP: bot.send_animation,
            Kind.VIDEO_NOTE: bot.send_video_note,
            Kind.STICKER: bot.send_sticker,
            Kind.STRIP_FILE: bot.send_document,
            Kind.PACK: bot.send_message,
        }

    async def send(self, portrait: Portrait, result: Result) -> Sent:
        """Send a result with its caption; the film carries the buttons. Raises the errors of `bot.portraits.errors`."""
        text = caption(words_for(portrait.language), portrait, result.kind, result.age)
        keyboard = await self._keyboard(portrait, result)
        with translated():
            try:
                message = await self._send(portrait, result, result.file_id, text, keyboard)
            except BadRequest as error:
                if not result.file_id or meaning_of(error) not in _FILE_ID_TO_BLAME:
                    raise
                # A file_id is no promise for ever; the file itself is.
                message = await self._send(portrait, result, None, text, keyboard)
        return Sent(message.message_id, file_id_of(message))

    async def replace(self, portrait: Portrait, before: Result, result: Result) -> Sent | None:
        """Show a result with its caption in the message of the one before; None when that message is gone."""
        text = caption(words_for(portrait.language), portrait, result.kind, result.age)
        keyboard = await self._keyboard(portrait, result)

        async def show(file_id: str | None) -> Sent:
            media = await self._media(result, file_id, text)
            message = await self._bot.edit_message_media(
                media,
                portrait.chat,
                before.message,
                reply_markup=keyboard,
                read_timeout=self._upload_timeout_s,
            )
            shown = message if isinstance(message, Message) else None
            return Sent(before.message or 0, file_id_of(shown) if shown else file_id or "")

        try:
            with translated():
                try:
                    return await show(result.file_id)
                except BadRequest as error:
                    if meaning_of(error) is Meaning.UNCHANGED:  # it was shown before the bot was killed
                        return Sent(before.message or 0, result.file_id or "")
                    if meaning_of(error) is Meaning.MESSAGE_GONE:
                        return None
                    if not result.file_id or meaning_of(error) not in _FILE_ID_TO_BLAME:
                        raise
                    return await show(None)
        except DeliveryUncertain:  # an edit may be repeated
            raise MessengerUnavailable("the answer to an edit was lost") from None

    async def keyboard(self, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
        """Return the buttons below a film of this age."""
        verdict = await self._storage.verdicts.of(portrait.id, age)
        words, shareable = words_for(portrait.language), self._bot.supports_inline_queries
        return result_keyboard(words, portrait, age, shareable, verdict)

    async def _media(self, result: Result, file_id: str | None, text: str) -> InputMediaPhoto | InputMediaVideo:
        content = file_id or await self._storage.media.read(result.digest or "")
        if result.kind is not Kind.FILM:
            return InputMediaPhoto(content, caption=text, filename="throwback.jpg")
        thumbnail = await self._storage.media.read(result.thumbnail) if result.thumbnail and not file_id else None
        return InputMediaVideo(
            content,
            caption=text,
            width=result.width,
            height=result.height,
            duration=round(result.duration_s),
            supports_streaming=True,
            thumbnail=thumbnail,
            filename="throwback.mp4",
        )

    async def _keyboard(self, portrait: Portrait, result: Result) -> InlineKeyboardMarkup | None:
        words = words_for(portrait.language)
        match result.kind:
            case Kind.FILM:
                return await self.keyboard(portrait, result.age)
            case Kind.STICKER if portrait.owner > 0:  # no set without a person to own it
                return sticker_keyboard(words, portrait, result.age)
            case Kind.PACK:
                sticker = await self._storage.packs.get(portrait.id, result.age)
                return pack_keyboard(words, sticker.name) if sticker else None
            case _:
                return None

    async def _send(
        self, portrait: Portrait, result: Result, file_id: str | None, text: str, keyboard: InlineKeyboardMarkup | None
    ) -> Message:
        content = file_id or await self._storage.media.read(result.digest or "")
        thumbnail = await self._storage.media.read(result.thumbnail) if result.thumbnail and not file_id else None
        send = self._methods.get(result.kind, self._bot.send_photo)
        file = text if result.kind is Kind.PACK else _file(result.kind, content)
        details = _details(result, text, thumbnail)

        async def sent(to: ReplyParameters | None) -> Message:
            return await send(
                portrait.chat,
                file,
                reply_parameters=to,
                reply_markup=keyboard,
                message_thread_id=portrait.topic,
                read_timeout=self._upload_timeout_s,
                **details,
            )

        return await replying(reply_to(portrait), sent)


def _details(result: Result, text: str, thumbnail: bytes | None) -> dict[str, Any]:
    """What Telegram is told of this kind of result."""
    film = {"duration": round(result.duration_s), "thumbnail": thumbnail}
    sides = {"width": result.width, "height": result.height}
    match result.kind:
        case Kind.PACK | Kind.STICKER:
            return {}
        case Kind.VIDEO_NOTE:
            return film | {"length": result.width}
        case Kind.LOOP:
            return film | sides | {"caption": text}
        case kind if kind in _VIDEO_KINDS:
            return film | sides | {"caption": text, "supports_streaming": True}
        case _:
            return {"caption": text}


def _file(kind: Kind, content: str | bytes) -> str | InputFile:
    """What Telegram knows by its id, or the file with a name that tells its kind."""
    if isinstance(content, str):
        return content
    return InputFile(content, f"throwback.{FILE_SUFFIXES[kind]}")
