"""What can go wrong between us and Telegram, and what becomes of errors nobody foresaw.

TelegramTrouble     try later; Telegram or the way to it is ill
├── Unsure          it may have arrived: do not blindly send again
ChatGone            nothing can be sent there: the person stopped the bot, the group removed it
MediaRefused        words can be sent there, but no pictures or films: the group does not allow it
FileGone            the file cannot be had from Telegram (any more)
"""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError, TimedOut

_logger = logging.getLogger(__name__)

# What Telegram says when a chat is no more; it has no codes finer than 400.
_CHAT_GONE_TEXTS = (
    *("chat not found", "user is deactivated", "peer_id_invalid"),
    *("not enough rights to send text messages", "have no rights to send a message", "chat_send_plain_forbidden"),
)
# Those that are none of the above: "… to send photos to the chat", CHAT_SEND_VIDEOS_FORBIDDEN.
_MEDIA_REFUSED_TEXTS = ("not enough rights to send", "chat_send_")
_UNCHANGED_TEXT = "message is not modified"
_NOT_A_TEXT_TEXT = "no text in the message"
_MESSAGE_GONE_TEXTS = ("message to edit not found", "message can't be edited", "message to delete not found")


class MessengerUnavailable(Exception):
    """Telegram cannot be reached, or asks for patience."""


class DeliveryUncertain(MessengerUnavailable):
    """The request went out whole and no answer came."""


class ChatGone(Exception):
    """Nothing can be sent to this chat."""


class MediaRefused(Exception):
    """The chat takes our words, but not our pictures or films."""


class FileGone(Exception):
    """Telegram does not give us this file."""


class ChatMoved(Exception):
    """The group became a supergroup; `new_id` is its id from now on."""

    def __init__(self, new_id: int) -> None:
        super().__init__("the group became a supergroup")
        self.new_id = new_id


@contextmanager
def translated() -> Iterator[None]:
    """Turn python-telegram-bot's errors into ours; refusals that are none of these pass unchanged (defects of ours)."""
    try:
        yield
    except ChatMigrated as error:
        raise ChatMoved(error.new_chat_id) from None
    except Forbidden as error:
        raise ChatGone(str(error)) from None
    except BadRequest as error:
        if any(words in str(error).lower() for words in _CHAT_GONE_TEXTS):
            raise ChatGone(str(error)) from None
        if refuses_media(error):
            raise MediaRefused(str(error)) from None
        raise
    except TimedOut as error:
        if isinstance(error.__cause__, httpx.ReadTimeout):
            raise DeliveryUncertain("no answer") from None
        raise MessengerUnavailable("timed out") from None
    except NetworkError as error:
        if isinstance(error.__cause__, httpx.ReadError | httpx.RemoteProtocolError):
            raise DeliveryUncertain("the connection broke") from None
        raise MessengerUnavailable(type(error).__name__) from None
    except RetryAfter:
        raise MessengerUnavailable("too many requests") from None


def unchanged(error: TelegramError) -> bool:
    """Whether an edit was refused because it changes nothing, or its message is gone: both are fine."""
    said = str(error).lower()
    return _UNCHANGED_TEXT in said or any(words in said for words in _MESSAGE_GONE_TEXTS)


def refuses_media(error: TelegramError) -> bool:
    """Whether it is the kind of a message that the chat does not allow, not the message."""
    said = str(error).lower()
    return any(words in said for words in _MEDIA_REFUSED_TEXTS) and not any(words in said for words in _CHAT_GONE_TEXTS)


def too_big_to_fetch(error: TelegramError) -> bool:
    """Whether Telegram has the file, but gives it to no bot."""
    return "too big" in str(error).lower()


def has_no_text(error: TelegramError) -> bool:
    """Whether a text was edited in a message that is a picture with a caption."""
    return _NOT_A_TEXT_TEXT in str(error).lower()


def error_type(error: BaseException) -> str:
    """What a log or an administrator may see of an error: its type, never its words."""
    return type(error).__name__


def error_trail(error: BaseException) -> str:
    """What a log may see of a defect of ours: type and places, but neither words nor paths."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    return f"{error_type(error)} at " + " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
