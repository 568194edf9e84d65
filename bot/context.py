"""What every handler receives: the services, the storage, and words in the language of whoever wrote."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from telegram import CallbackQuery, Message, ReplyParameters, Update, User
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.ext import Application, ApplicationHandlerStop, CallbackContext, ExtBot, JobQueue

from bot.messaging.admin_alerts import AdminAlerts
from bot.messaging.errors import unchanged
from bot.messaging.listening import Listener
from bot.messaging.telegram_calls import quietly
from bot.messaging.telegram_messenger import TelegramMessenger
from bot.portraits.accounts import AccountService
from bot.portraits.answers import AnswerService
from bot.portraits.backoff import retry
from bot.portraits.deletion import DeletionService
from bot.portraits.errors import MessengerUnavailable
from bot.portraits.naming import NamingService
from bot.portraits.portrait_service import PortraitService
from bot.portraits.result_service import ResultService
from bot.portraits.worker import PortraitWorker
from bot.settings import Settings
from bot.texts import Words, closest_language, words_for
from bot.timings import Timings
from engine import EngineClient
from storage import Portrait, Storage

SERVICES_KEY = "services"  # under which `bot_data` holds the `Services`
_ANONYMOUS_ADMIN = 1087968824  # the user id that all anonymous administrators of groups share
_INACCESSIBLE = "an inaccessible message"  # what python-telegram-bot calls a button's message that is too old to change
_ADMIN_STATUSES = ("creator", "administrator")


Bot = ExtBot[int]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers work with, as long as the process lives."""

    settings: Settings
    storage: Storage
    engine: EngineClient
    worker: PortraitWorker
    portraits: PortraitService
    answers: AnswerService
    results: ResultService
    naming: NamingService
    deletion: DeletionService
    accounts: AccountService
    messenger: TelegramMessenger
    alerts: AdminAlerts
    listener: Listener
    timings: Timings
    username: str  # the bot's, without @
    pictures: dict[str, str] = field(default_factory=dict)  # file_ids of the program's own pictures, by name
    albums: deque[str] = field(default_factory=lambda: deque(maxlen=100))  # refused, and answered

    def first_of_album(self, album: str | None) -> bool:
        """Return whether a refused photo is its album's first, or in no album: one answer is enough."""
        if album is None:
            return True
        if album in self.albums:
            return False
        self.albums.append(album)
        return True


class Context(CallbackContext[Bot, dict[Any, Any], dict[Any, Any], dict[str, Services]]):
    """Created for every update; `introduce` sets what it has before any other handler."""

    words: Words = words_for("en")
    update_id: int = 0

    @property
    def services(self) -> Services:
        return self.bot_data[SERVICES_KEY]

    @property
    def storage(self) -> Storage:
        return self.services.storage

    @property
    def messenger(self) -> TelegramMessenger:
        return self.services.messenger

    async def reply(self, update: Update, text: str, **options: Any) -> Message | None:
        """Answer a message, in its topic; in groups as a reply to it, unless it was deleted: some have bots that do."""
        message = update.effective_message
        if message is None:
            return None
        if update.effective_chat is not None and update.effective_chat.type != "private":
            options = {"reply_parameters": ReplyParameters(message.id, allow_sending_without_reply=True)} | options
        return await self.insist(lambda: message.reply_text(text, do_quote=False, **options))

    async def insist(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat a request while Telegram cannot be reached; only for what does no harm when it arrives twice."""
        pauses_s = self.services.timings.reply_retries_s
        unreachable = (NetworkError, MessengerUnavailable)
        return await retry(request, pauses_s, retry_on=unreachable, give_up_on=(BadRequest,))

    def is_admin(self, user: User | None) -> bool:
        return user is not None and user.id in self.services.settings.admins


App = Application[Bot, Context, dict[Any, Any], dict[Any, Any], dict[str, Services], JobQueue[Context]]


async def introduce(update: Update, context: Context) -> None:
    """Run before all handlers: find out who writes, in which language, and whether they may."""
    context.update_id = update.update_id
    user, message = update.effective_user, update.effective_message
    if user is None:
        return
    if not update.callback_query and isinstance(message, Message) and message.via_bot == context.bot.bot:
        raise ApplicationHandlerStop  # a result that somebody shares through us
    if update.effective_chat and update.effective_chat.type == "private":
        person = await context.services.accounts.meet(user.id, user.language_code or "")
    else:
        # In groups nobody gets a row for merely being there.
        known = await context.storage.people.get(owner_of(update) or user.id)
        if known is None:
            context.words = words_for(closest_language(user.language_code))
            return
        person = known
    if person.blocked:
        raise ApplicationHandlerStop
    context.words = words_for(person.language or closest_language(user.language_code))


def owner_of(update: Update) -> int | None:
    """Return the owner of a message: the group for its anonymous administrators, who share one user id."""
    message = update.effective_message
    if isinstance(message, Message) and message.sender_chat and not update.callback_query:
        return message.sender_chat.id
    return update.effective_user.id if update.effective_user else None


async def may_press(user: User, chat: int | None, portrait: Portrait, bot: Bot) -> bool:
    """Return whether this person, who pressed a button in this chat, owns the portrait.

    A portrait of an anonymous administrator belongs to all administrators of the group, one of a channel to everybody
    there. Only in that chat: elsewhere anybody can forge what a button says.
    """
    if user.id == portrait.owner:
        return True
    if chat != portrait.chat:
        return False
    if portrait.owner != portrait.chat:
        return portrait.owner < 0  # written as a channel: nobody can tell by whom
    if user.id == _ANONYMOUS_ADMIN:
        return True
    try:
        member = await bot.get_chat_member(portrait.chat, user.id)
    except TelegramError:
        return False
    return member.status in _ADMIN_STATUSES


async def answer(query: CallbackQuery, text: str = "", alert: bool = False) -> None:
    """Answer a press of a button. Where that fails, as for one that is too old, the press counts all the same."""
    await quietly(query.answer(text or None, show_alert=alert))


async def edit(change: Awaitable[object]) -> None:
    """Await an edit of one of our messages; it is fine if there is nothing (left) to change, as people press twice."""
    try:
        await change
    except BadRequest as error:
        if not unchanged(error):
            raise
    except TypeError as error:
        if _INACCESSIBLE not in str(error):
            raise
