"""The bot as a whole: what lives as long as the process, and which handler answers what."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, cast

from telegram import Update
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, NetworkError, RetryAfter, TelegramError
from telegram.ext import (
    ApplicationBuilder,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    InlineQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.context import DESK, App, Context, Services, introduce
from bot.handlers import admin, callbacks, groups, history, inline, language, photos, privacy, start, typed
from bot.handlers.admin import admins_only
from bot.messaging.errors import short, trail
from bot.messaging.menus import publish_menus
from bot.messaging.rate_limiter import Pace, RateLimiter
from bot.messaging.telegram_messenger import TelegramMessenger
from bot.messaging.update_processor import PerChatProcessor
from bot.messaging.update_queue import DurableUpdateQueue
from bot.messaging.views import sorry
from bot.operations.cleanup import schedule_upkeep
from bot.operations.health import health_server
from bot.operations.home_lock import sole_use
from bot.portraits.limits import Limits
from bot.portraits.service import PortraitService
from bot.portraits.worker import PortraitWorker
from bot.settings import Settings, SettingsError
from engine import EngineClient, EngineFault, OperatorError
from storage import Storage

_logger = logging.getLogger(__name__)

_READ_S = 20.0
_CONNECTIONS = 64
UPDATES = (Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY, Update.INLINE_QUERY, Update.MY_CHAT_MEMBER)

_PRIVATE = filters.ChatType.PRIVATE
_GROUPS = filters.ChatType.GROUPS
_PICTURE = filters.PHOTO | filters.Document.ALL
_YOUNG = photos.CalledByCaption()


def add_handlers(app: App) -> None:
    """Who answers what; the first that fits does."""
    new, edited = filters.UpdateType.MESSAGE, filters.UpdateType.EDITED_MESSAGE
    app.add_handlers(
        {
            -1: [TypeHandler(Update, introduce)],
            0: [
                CallbackQueryHandler(callbacks.press),
                InlineQueryHandler(inline.own_results),
                ChatMemberHandler(groups.my_membership, ChatMemberHandler.MY_CHAT_MEMBER),
                MessageHandler(filters.StatusUpdate.MIGRATE, groups.migrated),
                MessageHandler(edited & filters.CAPTION, photos.edited),
                MessageHandler(edited & _PRIVATE & filters.TEXT & ~filters.COMMAND, typed.edited),
                MessageHandler(edited & _GROUPS & filters.TEXT & ~filters.COMMAND & filters.REPLY, typed.group_text),
                CommandHandler("young", photos.young, new),
                MessageHandler(new & _PICTURE & _YOUNG, photos.young),
                CommandHandler("start", start.start, new),
                CommandHandler("help", start.help_, new),
                CommandHandler("cancel", start.cancel, new),
                CommandHandler("history", history.history, new & _PRIVATE),
                CommandHandler("language", language.language, new & _PRIVATE),
                CommandHandler("privacy", privacy.privacy, new),
                CommandHandler("mydata", privacy.my_data, new & _PRIVATE),
                CommandHandler("forgetme", privacy.forget_me, new & _PRIVATE),
                CommandHandler(["history", "language", "mydata", "forgetme"], groups.in_private, new & _GROUPS),
                CommandHandler("stats", admins_only(admin.stats), new),
                CommandHandler("pause", admins_only(admin.pause), new),
                CommandHandler("resume", admins_only(admin.resume), new),
                CommandHandler("block", admins_only(admin.block), new),
                CommandHandler("unblock", admins_only(admin.unblock), new),
                CommandHandler("blocked", admins_only(admin.blocked), new),
                CommandHandler("limit", admins_only(admin.limit), new),
                MessageHandler(new & _PRIVATE & _PICTURE, photos.private_photo),
                MessageHandler(new & _GROUPS & _PICTURE & filters.REPLY, photos.group_photo),
                MessageHandler(new & _PRIVATE & filters.TEXT & ~filters.COMMAND, typed.private_text),
                MessageHandler(new & _GROUPS & filters.TEXT & ~filters.COMMAND & filters.REPLY, typed.group_text),
                MessageHandler(new & _PRIVATE & (filters.VIDEO | filters.ANIMATION | filters.VIDEO_NOTE), start.video),
                MessageHandler(new & _PRIVATE & filters.Sticker.ALL, start.sticker),
                MessageHandler(new & _PRIVATE & ~filters.StatusUpdate.ALL, start.anything_else),
            ],
        }
    )
    app.add_error_handler(on_error)


async def on_error(update: object, context: Context) -> None:
    """What no handler foresaw. Telegram's troubles are noted; of ours the log gets the type, the person a word."""
    error = context.error
    chat = update.effective_chat if isinstance(update, Update) else None
    if isinstance(error, ChatMigrated) and chat:
        await context.studio.workshop.move_group(chat.id, error.new_chat_id)
    elif isinstance(error, Forbidden | NetworkError | RetryAfter) and not isinstance(error, BadRequest):
        _logger.warning("not answered: %s", short(error))
    else:
        _logger.error("an update failed: %s", trail(error) if error else "?")
        if error:
            await context.voice.report(short(error))
        if chat and chat.type == "private":
            with suppress(TelegramError):
                await context.bot.send_message(chat.id, sorry(context.words, bool(context.desk.settings.admins)))


@asynccontextmanager
async def running(
    settings: Settings, engine: EngineClient | None = None, pace: Pace | None = None
) -> AsyncIterator[Services]:
    """The whole bot, from its storage to its handlers, while the context lasts.

    `engine` is one that is not entered yet, for tests; so is `pace`. Leaving stops updater, workshop, engine and
    application in this order, and loses nothing: what is unfinished is in the storage.
    Raises `telegram.error.InvalidToken` and `telegram.error.NetworkError` when there is no way to Telegram, and
    `HomeInUse` when another bot has this data folder.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sole_use(settings.home))
        storage = await stack.enter_async_context(Storage(settings.home))
        inbox, pacer = DurableUpdateQueue(storage), RateLimiter(pace)
        order = PerChatProcessor(inbox.handled)
        app = build(settings, inbox, order, pacer)
        await stack.enter_async_context(app)
        voice = TelegramMessenger(app.bot, pacer, storage, settings.admins)
        limits = Limits(storage, settings.daily_limit, settings.group_daily_limit, settings.admins)
        await app.start()
        stack.push_async_callback(app.stop)
        stack.callback(order.close)
        stack.callback(inbox.close)
        live_engine = await stack.enter_async_context(engine or EngineClient(settings.for_engine))
        await _check_engine(live_engine, settings)
        workshop = PortraitWorker(storage, live_engine, voice, limits)
        studio = PortraitService(storage, live_engine, voice, workshop, limits)
        desk = app.bot_data[DESK] = Services(settings, storage, studio, voice, app.bot.username)
        await stack.enter_async_context(voice.board)
        await stack.enter_async_context(workshop)
        if settings.metrics_port is not None:
            await stack.enter_async_context(health_server(desk, settings.metrics_port))
        schedule_upkeep(app)
        await stack.enter_async_context(_beside(publish_menus(app.bot, settings.admins)))
        if left := await inbox.reopen(app.bot):
            _logger.info("%d updates of the last run are handled now", left)
        await _listen(app, settings)
        if app.updater:
            stack.push_async_callback(app.updater.stop)
        _logger.info("listening as @%s", app.bot.username)
        yield desk


async def _check_engine(engine: EngineClient, settings: Settings) -> None:
    """Raises `SettingsError` where the engine cannot do as it is told: better now than at every portrait."""
    if settings.device != "cuda" and not settings.network:
        return  # nothing that could be wrong, and nothing to wait for
    try:
        description = await engine.describe()
    except (EngineFault, OperatorError) as error:
        raise SettingsError(str(error)) from None
    if settings.network and settings.network not in description.networks:
        here = ", ".join(description.networks)
        raise SettingsError(f"THROWBACK_NETWORK names {settings.network!r}, which is not here; there is: {here}")


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something be done beside the context, and no longer than it lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def build(settings: Settings, inbox: DurableUpdateQueue, order: PerChatProcessor, pacer: RateLimiter) -> App:
    app = cast(  # the builder's own types do not follow a context class
        App,
        ApplicationBuilder()
        .token(settings.token)
        .base_url(f"{settings.api_url}/bot")
        .base_file_url(f"{settings.api_url}/file/bot")
        .context_types(ContextTypes(context=Context))
        .update_queue(inbox)
        .concurrent_updates(order)
        .rate_limiter(pacer)
        .read_timeout(_READ_S)
        .connection_pool_size(_CONNECTIONS)
        .build(),
    )
    add_handlers(app)
    return app


async def _listen(app: App, settings: Settings) -> None:
    """Let updates come, by webhook or by asking for them."""
    if app.updater is None:
        raise RuntimeError("the application was built without an updater")
    if settings.webhook is None:
        await app.updater.start_polling(allowed_updates=UPDATES, error_callback=_polling_failed)
    else:
        await app.updater.start_webhook(
            listen="0.0.0.0",  # noqa: S104 (Telegram comes from outside; the secret tells who it is)
            port=settings.webhook.port,
            url_path="telegram",
            webhook_url=f"{settings.webhook.url}/telegram",
            secret_token=settings.webhook.secret,
            allowed_updates=UPDATES,
        )


def _polling_failed(error: Exception) -> None:
    if isinstance(error, Conflict):
        _logger.warning("another program asks Telegram for this bot's updates, too; only one may")
        return
    _logger.warning("no updates from Telegram: %s", short(error))


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set."""
    async with running(settings):
        await stop.wait()
