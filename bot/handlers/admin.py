"""Commands of administrators: figures, pausing, blocking. For everybody else they do not exist."""

import re
import shutil
from collections.abc import Callable, Coroutine, Sequence
from operator import attrgetter
from typing import Any

from telegram import Update
from telegram.ext import ApplicationHandlerStop

from bot.context import Context
from bot.handlers.start import anything_else
from bot.messaging.keyboards import VERDICT_SIGNS
from engine import EngineError
from storage import State, Verdict, VerdictCount

_ID = re.compile(r"-?[0-9]{1,18}")  # of a person or a group; more digits fit no column
_DAILY_LIMIT = re.compile(r"[0-9]{1,9}")

Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]


def admins_only(handler: Handler) -> Handler:
    """Return a handler that answers others as if the command did not exist: a hint in private, nothing in groups."""

    async def checked(update: Update, context: Context) -> None:
        if context.is_admin(update.effective_user):
            await handler(update, context)
        elif update.effective_chat and update.effective_chat.type == "private":
            await anything_else(update, context)
        raise ApplicationHandlerStop

    return checked


async def stats(update: Update, context: Context) -> None:
    counts = await context.storage.counts()
    try:
        engine = await context.services.engine.describe()
        says = f"{engine.device}, {', '.join(engine.networks) or '–'}, {engine.extractor}"
    except EngineError as error:
        says = type(error).__name__
    failures = ", ".join(f"{name} {count}" for name, count in sorted(counts.failures.items()))
    text = context.words(
        "admin.stats",
        people=counts.people,
        groups=counts.groups,
        queued=counts.states.get(State.QUEUED, 0),
        running=counts.states.get(State.RUNNING, 0),
        done=counts.states.get(State.DONE, 0),
        failed=counts.states.get(State.FAILED, 0),
        median=round(counts.median_s),
        slowest=round(counts.slowest_s),
        failures=failures or context.words("admin.no_failures"),
        verdicts=_verdicts(counts.verdicts) or context.words("admin.no_verdicts"),
        megabytes=round(counts.media_bytes / 1e6, 1),
        free=round(shutil.disk_usage(context.services.settings.home).free / 1e9, 1),
        engine=says,
    )
    await context.reply(update, text)


def _verdicts(counts: Sequence[VerdictCount]) -> str:
    """The shares of the verdicts: of all, then by species, network and quality of the photo; "" when there are none."""
    groups: dict[str, list[VerdictCount]] = {"": list(counts)}
    for name in ("species", "network", "photo_quality"):
        for one in sorted(counts, key=attrgetter(name)):
            groups.setdefault(f"{getattr(one, name) or '–'}: ", []).append(one)
    return "\n".join(heading + _shares(group) for heading, group in groups.items()) if counts else ""


def _shares(counts: Sequence[VerdictCount]) -> str:
    total = sum(one.count for one in counts)
    shares = (
        f"{VERDICT_SIGNS[verdict]} {round(100 * sum(one.count for one in counts if one.verdict is verdict) / total)} %"
        for verdict in Verdict
    )
    return f"{' '.join(shares)} ({total})"


async def pause(update: Update, context: Context) -> None:
    """Receive photos but start no work, for maintenance; a restart does not change it."""
    await context.services.worker.dispatcher.pause(True)
    await context.reply(update, context.words("admin.paused"))


async def resume(update: Update, context: Context) -> None:
    await context.services.worker.dispatcher.pause(False)
    await context.reply(update, context.words("admin.resumed"))


async def block(update: Update, context: Context) -> None:
    if (id_ := _number(context)) is None:
        await context.reply(update, context.words("admin.usage_block"))
        return
    await context.services.accounts.block(id_)
    await context.reply(update, context.words("admin.blocked", id=str(id_)))


async def unblock(update: Update, context: Context) -> None:
    if (id_ := _number(context)) is None:
        await context.reply(update, context.words("admin.usage_block"))
        return
    await context.services.accounts.unblock(id_)
    await context.reply(update, context.words("admin.unblocked", id=str(id_)))


async def blocked(update: Update, context: Context) -> None:
    ids = await context.storage.people.blocked()
    text = context.words("admin.blocked_list", ids=", ".join(map(str, ids))) if ids else ""
    await context.reply(update, text or context.words("admin.blocked_none"))


async def limit(update: Update, context: Context) -> None:
    """Handle /limit GROUP NUMBER: set one group's daily limit; "default" removes it."""
    match context.args:
        case [group, number] if _ID.fullmatch(group) and (_DAILY_LIMIT.fullmatch(number) or number == "default"):
            daily = None if number == "default" else int(number)
            await context.services.accounts.limit_group(int(group), daily)
            await context.reply(update, context.words("admin.limit_set"))
        case _:
            await context.reply(update, context.words("admin.usage_limit"))


def _number(context: Context) -> int | None:
    """Return the one number after a command; None when there is anything else."""
    match context.args:
        case [text] if _ID.fullmatch(text):
            return int(text)
        case _:
            return None
