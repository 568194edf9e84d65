"""Small things that several requests to Telegram share."""

import logging
from collections.abc import Awaitable, Callable

from telegram import Message, ReplyParameters
from telegram.error import BadRequest, TelegramError

from bot.messaging.errors import Meaning, meaning_of
from storage import Portrait

_logger = logging.getLogger(__name__)


async def quietly(request: Awaitable[object]) -> None:
    """Await a request whose failure changes nothing."""
    try:
        await request
    except TelegramError as error:
        _logger.info("not said: %s", type(error).__name__)


async def replying(to: ReplyParameters | None, send: Callable[[ReplyParameters | None], Awaitable[Message]]) -> Message:
    """Send a reply; without what it replies to where a server insists on that and cannot find it."""
    try:
        return await send(to)
    except BadRequest as error:
        if to is None or meaning_of(error) is not Meaning.REPLY_GONE:
            raise
        return await send(None)


def reply_to(portrait: Portrait) -> ReplyParameters | None:
    """Return the reply to the owner's message; None for one that stayed behind as its group became a supergroup."""
    if portrait.photo_message is None:
        return None
    return ReplyParameters(portrait.photo_message, allow_sending_without_reply=True)


def file_id_of(message: Message) -> str:
    """Return under which id Telegram has the message's film or picture, "" where there is none."""
    # Of an animation Telegram says that it is a document, too.
    for file in (message.video, message.animation, message.video_note, message.sticker, message.document):
        if file:
            return file.file_id
    return message.photo[-1].file_id if message.photo else ""
