"""Buttons about portraits: answers to questions, and what can be done with results.

Every press is answered, only its owner's counts, and one that no longer fits shows how things stand now.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from telegram import ForceReply, InlineKeyboardMarkup, Update
from telegram.error import BadRequest

from bot.context import Context, answer, edit, may_press
from bot.handlers import history, language, privacy
from bot.messaging.keyboards import Press, Verb, delete_keyboard, failure_keyboard, name_keyboard, result_keyboard
from bot.messaging.telegram_calls import MAX_REFUSALS, reply_to
from storage import ASKING_STATES, RESULT_STATES, Kind, Portrait, State

Action = Callable[[Update, Context, Portrait, str], Awaitable[object]]
"""What a press does with its portrait and value; None when it does not fit (any more)."""


async def press(update: Update, context: Context) -> None:
    query = update.callback_query
    if query is None:
        return
    said = Press.unpack(query.data or "")
    if said and (general := _GENERAL_ACTIONS.get(said.verb)):
        try:
            await general(update, context, said.value)
        except ValueError:  # a value that no keyboard of ours has
            await answer(update, context.words("error.too_late"))
        return
    portrait = await context.storage.portraits.get(said.portrait) if said else None
    if said is None or said.verb not in _PORTRAIT_ACTIONS or portrait is None:
        await answer(update, context.words("error.stale"), alert=True)
        return
    chat = query.message.chat.id if query.message else None
    if not await may_press(query.from_user, chat, portrait, context.bot):
        await answer(update, context.words("error.not_yours"), alert=True)
        return
    await context.services.naming.withdraw_question(portrait.owner, portrait.chat)
    action, toast = _PORTRAIT_ACTIONS[said.verb]
    try:
        done = await action(update, context, portrait, said.value)
    except ValueError:  # a value that no keyboard of ours has
        done = None
    if done is None:
        await _show_how_things_stand(update, context, portrait.id)
    elif isinstance(done, Portrait) and done.failure.is_limit and done.failure == portrait.failure:
        # Its message says so already, and does not change.
        await answer(update, context.words("limit.later", button=context.words("button.retry")), alert=True)
    else:
        await answer(update, context.words(toast) if toast else "")


async def _show_how_things_stand(update: Update, context: Context, id_: int) -> None:
    portrait = await context.storage.portraits.get(id_)
    if portrait and portrait.state in ASKING_STATES:
        await answer(update)
        await context.messenger.ask(portrait)
    else:
        await answer(update, context.words("error.too_late"))


# ---- answers to questions


async def _head(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.answers.choose_head(portrait.id, int(value))


async def _breed(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.answers.choose_breed(portrait.id, value)


async def _type_breed(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    expecting = await context.services.answers.expect_breed(portrait.id)
    if expecting:
        await context.messenger.ask(expecting)
    return expecting


async def _pet(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.answers.choose_pet(portrait.id, int(value))


async def _skip(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.answers.skip_baby_photo(portrait.id)


async def _use_album(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.answers.use_album_photo(portrait.id)


async def _grown_up(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.answers.show_grown_up(portrait.id)


async def _cancel(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.portraits.cancel(portrait.id)


async def _anyway(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.portraits.try_anyway(portrait.id)


async def _retry(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.portraits.retry(portrait.id)


# ---- with results


async def _age(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.results.request_age(portrait.id, float(value))


async def _resend(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.results.send_again(portrait.id, float(value))


async def _card(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.results.request(portrait.id, float(value), Kind.CARD)


async def _whole(_: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await context.services.results.request(portrait.id, float(value), Kind.WHOLE)


async def _film(update: Update, context: Context, portrait: Portrait, value: str) -> object:
    return await history.film(update, context, portrait, float(value))


async def _again(_: Update, context: Context, portrait: Portrait, __: str) -> object:
    return await context.services.portraits.again(portrait.id)


async def _name(update: Update, context: Context, portrait: Portrait, __: str) -> object:
    expecting = await context.services.naming.expect_name(portrait.id)
    message = update.effective_message
    if expecting and message:
        # In a group the app opens the answer by itself, for the owner alone: the bot may see nothing but replies.
        group, leave = portrait.in_group, name_keyboard(context.words, portrait)
        asked = await context.insist(
            lambda: context.bot.send_message(
                portrait.chat,
                context.words("question.name_group" if group else "question.name"),
                message_thread_id=portrait.topic,
                reply_parameters=reply_to(portrait) if group else None,
                reply_markup=ForceReply(selective=True) if group else leave,
                rate_limit_args=MAX_REFUSALS,
            )
        )
        await context.services.naming.note_question(portrait.id, asked.message_id)
    return expecting


async def _no_name(*_: object) -> object:
    """Any press takes the question for a name back; this one does nothing else."""
    return True


async def _delete(update: Update, context: Context, portrait: Portrait, value: str) -> object:
    if portrait.state not in (*RESULT_STATES, State.FAILED):
        return None
    await _swap_keyboard(update, delete_keyboard(context.words, portrait, value))
    return True


async def _delete_no(update: Update, context: Context, portrait: Portrait, value: str) -> object:
    if value.startswith(history.GALLERY_PREFIX):
        await history.turn(update, context, value.removeprefix(history.GALLERY_PREFIX))
        return True
    if portrait.state is State.FAILED:
        keyboard = failure_keyboard(context.words, portrait)
    elif portrait.state in RESULT_STATES:
        shareable = context.bot.supports_inline_queries
        keyboard = result_keyboard(context.words, portrait, float(value or portrait.age), shareable)
    else:
        return None
    await _swap_keyboard(update, keyboard)
    return True


async def _delete_yes(update: Update, context: Context, portrait: Portrait, value: str) -> object:
    query, goes_on = update.callback_query, False
    with suppress(TypeError):  # so python-telegram-bot says that the gallery is too old to be seen
        if value.startswith(history.GALLERY_PREFIX):
            goes_on = await history.turn_away(update, context, portrait, value.removeprefix(history.GALLERY_PREFIX))
    pet = await context.storage.pets.get(portrait.pet) if portrait.pet else None
    if not await context.services.deletion.delete(portrait):
        await answer(update, context.words("result.deleted_partly"), alert=True)
    elif pet:
        await answer(update, context.words(f"result.deleted_but_{'baby' if pet.baby_photo else 'pet'}", name=pet.name))
    if query and not goes_on:
        with suppress(BadRequest, TypeError):  # erased with the portrait, or too old to be
            await query.delete_message()
    return True


async def _swap_keyboard(update: Update, keyboard: InlineKeyboardMarkup | None) -> None:
    if query := update.callback_query:
        await edit(query.edit_message_reply_markup(keyboard))


async def _forget(update: Update, context: Context, _: str) -> None:
    await privacy.forget(update, context)


async def _keep(update: Update, context: Context, _: str) -> None:
    await privacy.keep(update, context)


# Buttons about no portrait; whoever presses them means themselves.
_GENERAL_ACTIONS: dict[Verb, Callable[[Update, Context, str], Awaitable[None]]] = {
    Verb.PAGE: history.turn,
    Verb.FORGET_PET: history.ask_to_forget,
    Verb.FORGET_PET_YES: history.forget_pet,
    Verb.LANGUAGE: language.choose,
    Verb.FORGET_YES: _forget,
    Verb.FORGET_NO: _keep,
}

_PORTRAIT_ACTIONS: dict[Verb, tuple[Action, str]] = {
    Verb.HEAD: (_head, ""),
    Verb.BREED: (_breed, ""),
    Verb.TYPE_BREED: (_type_breed, ""),
    Verb.PET: (_pet, ""),
    Verb.SKIP: (_skip, ""),
    Verb.USE_ALBUM: (_use_album, ""),
    Verb.GROWN_UP: (_grown_up, ""),
    Verb.CANCEL: (_cancel, ""),
    Verb.ANYWAY: (_anyway, ""),
    Verb.RETRY: (_retry, ""),
    Verb.AGE: (_age, "result.wait"),
    Verb.RESEND: (_resend, "result.wait"),
    Verb.CARD: (_card, "result.wait"),
    Verb.WHOLE: (_whole, "result.wait"),
    Verb.FILM: (_film, "result.wait"),
    Verb.AGAIN: (_again, "result.wait"),
    Verb.NAME: (_name, ""),
    Verb.NO_NAME: (_no_name, ""),
    Verb.DELETE: (_delete, ""),
    Verb.DELETE_NO: (_delete_no, ""),
    Verb.DELETE_YES: (_delete_yes, "result.deleted"),
}
