"""The bot as a whole: what lives as long as the process."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from telegram import Update
from telegram.error import InvalidToken, RetryAfter
from telegram.ext import ApplicationBuilder, ContextTypes

from bot.context import SERVICES_KEY, App, Bot, Context, Services
from bot.messaging.admin_alerts import AdminAlerts
from bot.messaging.listening import TOKEN_REFUSED, Listener, ListeningEnded, UpdateSource
from bot.messaging.menus import publish_menus
from bot.messaging.polling import Poller
from bot.messaging.proxies import client_options
from bot.messaging.rate_limiter import Pace, RateLimiter, seconds_of
from bot.messaging.result_sender import ResultSender
from bot.messaging.sticker_set_requests import StickerSetRequests
from bot.messaging.telegram_messenger import TelegramMessenger
from bot.messaging.telegram_request import TelegramRequest
from bot.messaging.update_processor import PerChatProcessor
from bot.messaging.update_queue import DurableUpdateQueue
from bot.messaging.webhook import WebhookSubscription, webhook_server
from bot.operations.cleanup import schedule_cleanup
from bot.operations.health import health_server
from bot.operations.home_lock import exclusive_home
from bot.operations.lifetimes import in_background
from bot.operations.service_manager import supervised
from bot.portraits.accounts import AccountService
from bot.portraits.answers import AnswerService
from bot.portraits.backoff import backoff
from bot.portraits.deletion import DeletionService
from bot.portraits.limits import Limits
from bot.portraits.naming import NamingService
from bot.portraits.portrait_service import PortraitService
from bot.portraits.result_service import ResultService
from bot.portraits.worker import PortraitWorker
from bot.routes import add_handlers
from bot.settings import Settings, SettingsError
from bot.timings import Timings
from engine import EngineClient, EngineFault, EngineSettings, OperatorError
from storage import Storage

_logger = logging.getLogger(__name__)

_READ_TIMEOUT_S = 20.0  # s; how long Telegram may take to answer a request; longer delays the next attempt
_CLUSTER_S = 20.0  # s for a cluster to say at the start that it cannot be used; one that is away is waited for
_MAX_CONNECTIONS = 64  # to Telegram at once; more would only wait for the rate limiter
ALLOWED_UPDATES = (
    Update.MESSAGE,
    Update.EDITED_MESSAGE,
    Update.CALLBACK_QUERY,
    Update.INLINE_QUERY,
    Update.MY_CHAT_MEMBER,
)


@asynccontextmanager
async def running(
    settings: Settings, engine: EngineClient | None = None, pace: Pace | None = None, timings: Timings | None = None
) -> AsyncIterator[Services]:
    """Run the whole bot, from its storage to its handlers, while the context lasts; yield its services.

    `engine` is one that is not entered yet; tests hand in their own, and their own `pace` and `timings`. Leaving stops
    listener, worker, engine and application in this order, and loses nothing: what is unfinished is in the storage.
    Raises `telegram.error.NetworkError` when there is no way to Telegram, `ListeningEnded` when it refuses us for
    `timings.refusal_limit_s`, and `HomeInUse` when another bot has this data folder.
    """
    timings = timings or Timings()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(exclusive_home(settings.home, timings.lock_wait_s))
        storage = await stack.enter_async_context(Storage(settings.home))
        update_queue = DurableUpdateQueue(storage, timings.write_retries_s)
        rate_limiter, processor = RateLimiter(pace), PerChatProcessor(update_queue)
        app = build(settings, update_queue, processor, rate_limiter)
        request = _request(settings)
        await stack.enter_async_context(request)
        stack.push_async_callback(app.bot.shutdown)  # in case it is never introduced
        await _introduce(app, timings)
        await stack.enter_async_context(app)
        await app.start()
        stack.push_async_callback(app.stop)
        stack.callback(update_queue.close)
        engine = await stack.enter_async_context(engine or EngineClient(settings.engine))
        await _check_engine(engine, settings.engine)
        listener = Listener(_source(app.bot, settings, request, update_queue, timings), timings)
        services = compose(app.bot, settings, storage, engine, rate_limiter, listener, timings)
        app.bot_data[SERVICES_KEY] = services
        await stack.enter_async_context(services.messenger.board.running())
        await stack.enter_async_context(_working(services.worker, engine, processor, timings.uploads_grace_s))
        if settings.metrics_port is not None:
            await stack.enter_async_context(health_server(services, settings.metrics_port))
        schedule_cleanup(app, timings)
        await stack.enter_async_context(in_background(publish_menus(app.bot, settings.admins)))
        if left := await update_queue.reopen(app.bot):
            _logger.info("%d updates of the last run are handled now", left)
        if settings.webhook:
            await stack.enter_async_context(webhook_server(settings.webhook, update_queue, app.bot))
        await stack.enter_async_context(listener)
        _logger.info("listening as @%s", app.bot.username)
        yield services


async def _introduce(app: App, timings: Timings) -> None:
    """Ask Telegram who we are. One refusal may pass; a token that stays refused raises `ListeningEnded`."""
    deadline = time.monotonic() + timings.refusal_limit_s
    for pause_s in backoff(timings.listen_retries_s):
        try:
            await app.initialize()
        except InvalidToken:
            if time.monotonic() + pause_s >= deadline:
                raise ListeningEnded(TOKEN_REFUSED) from None
            _logger.error("%s; asking again in %.0f s", TOKEN_REFUSED, pause_s)
            await asyncio.sleep(pause_s)
        except RetryAfter as refusal:
            _logger.warning("Telegram asks for patience")
            await asyncio.sleep(seconds_of(refusal))
        else:
            return


def compose(
    bot: Bot,
    settings: Settings,
    storage: Storage,
    engine: EngineClient,
    rate_limiter: RateLimiter,
    listener: Listener,
    timings: Timings,
) -> Services:
    """Return the services that the handlers work with, each given what it needs; nothing runs yet."""
    alerts = AdminAlerts(bot, storage, settings.admins)
    sender = ResultSender(bot, storage, timings.upload_timeout_s)
    sticker_sets = StickerSetRequests(bot, storage, timings.upload_timeout_s)
    messenger = TelegramMessenger(bot, rate_limiter, storage, sender, alerted=bool(settings.admins))
    limits = Limits(storage, settings.daily_limit, settings.group_daily_limit, settings.admins)
    worker = PortraitWorker(storage, engine, messenger, sticker_sets, alerts, limits, timings)
    answers = AnswerService(storage, worker)
    portraits = PortraitService(storage, worker, answers, limits)
    return Services(
        settings=settings,
        storage=storage,
        engine=engine,
        worker=worker,
        portraits=portraits,
        answers=answers,
        results=ResultService(storage, worker),
        naming=NamingService(storage, messenger),
        deletion=DeletionService(storage, engine, messenger, sticker_sets, worker),
        accounts=AccountService(storage, portraits),
        messenger=messenger,
        alerts=alerts,
        listener=listener,
        timings=timings,
        username=bot.username,
    )


async def _check_engine(engine: EngineClient, settings: EngineSettings) -> None:
    """Raise `SettingsError` if the engine cannot do what the settings say: better now than at every portrait."""
    if settings.device != "cuda" and not settings.network and settings.cluster is None:
        return  # nothing that could be wrong, and nothing to wait for
    try:
        async with asyncio.timeout(_CLUSTER_S if settings.cluster else None):
            description = await engine.describe()
    except TimeoutError:
        _logger.warning("no engine answers on the cluster yet; portraits wait for one")
        return
    except (EngineFault, OperatorError) as error:
        raise SettingsError(str(error)) from None
    if settings.network and settings.network not in description.networks:
        here = ", ".join(description.networks)
        raise SettingsError(f"THROWBACK_NETWORK names {settings.network!r}, which is not here; there is: {here}")


@asynccontextmanager
async def _working(
    worker: PortraitWorker, engine: EngineClient, processor: PerChatProcessor, grace_s: float
) -> AsyncIterator[None]:
    """Let the worker work; at the end, let uploads and handlers end what is nearly through while the engine stops."""
    closing = None
    try:
        async with worker:
            try:
                yield
            finally:
                closing = asyncio.gather(processor.close(grace_s), engine.stop())
    finally:
        if closing:
            await closing


def _request(settings: Settings) -> TelegramRequest:
    return TelegramRequest(
        connection_pool_size=_MAX_CONNECTIONS,
        read_timeout=_READ_TIMEOUT_S,
        httpx_kwargs=client_options(settings.api_url),
    )


def build(
    settings: Settings, update_queue: DurableUpdateQueue, processor: PerChatProcessor, rate_limiter: RateLimiter
) -> App:
    app = cast(  # the builder's types do not follow a context class
        App,
        ApplicationBuilder()
        .token(settings.token)
        .base_url(f"{settings.api_url}/bot")
        .base_file_url(f"{settings.api_url}/file/bot")
        .context_types(ContextTypes(context=Context))
        .update_queue(update_queue)
        .concurrent_updates(processor)
        .rate_limiter(rate_limiter)
        .request(_request(settings))
        .get_updates_request(_request(settings))  # not used, and python-telegram-bot's own would go by a proxy
        .updater(None)  # it would stop at the first update that it cannot read
        .build(),
    )
    add_handlers(app)
    return app


def _source(
    bot: Bot, settings: Settings, request: TelegramRequest, update_queue: DurableUpdateQueue, timings: Timings
) -> UpdateSource:
    if settings.webhook is None:
        return Poller(bot, request, update_queue, ALLOWED_UPDATES)
    return WebhookSubscription(bot, settings.webhook, ALLOWED_UPDATES, timings.webhook_check_s)


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    engine: EngineClient | None = None,
    pace: Pace | None = None,
    timings: Timings | None = None,
) -> None:
    """Run the bot until `stop` is set; the rest is as in `running`. Raises `ListeningEnded` when it cannot go on."""
    async with running(settings, engine, pace, timings) as services, supervised(services):
        waits = [asyncio.ensure_future(wait) for wait in (stop.wait(), services.listener.ended())]
        done, waiting = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waiting:
            wait.cancel()
        for wait in done:
            wait.result()
