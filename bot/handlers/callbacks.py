"""Presses of buttons: answers to questions, and what can be done with results.

Every press is answered, only those of the portrait's owner count, and one that fits no longer shows the present state.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from telegram import CallbackQuery, ForceReply, Update
from telegram.error import BadRequest

from bot.context import Context, Services, answer, edit, may_press
from bot.handlers import history, language, privacy
from bot.messaging.keyboards import (
    ALL_HEADS,
    OFFERED_KINDS,
    Press,
    Verb,
    age_number,
    delete_keyboard,
    failure_keyboard,
    more_keyboard,
    name_keyboard,
    whole_number,
)
from bot.messaging.telegram_calls import reply_to
from bot.messaging.views import help_against
from bot.portraits.result_service import ResultService
from storage import ASKING_STATES, RESULT_STATES, Kind, Portrait, State, Verdict, VerdictReason

Action = Callable[[CallbackQuery, Context, Portrait, str], Awaitable[object]]
"""What a press does with its portrait and value; returns None when it does not fit (any more)."""


async def press(update: Update, context: Context) -> None:
    query = update.callback_query
    if query is None:
        return
    said = Press.unpack(query.data or "")
    chat = query.message.chat.id if query.message else None
    if said and (general := _GENERAL_ACTIONS.get(said.verb)):
        if chat not in (None, query.from_user.id):  # they are for private chats: in a group, what they say is forged
            await answer(query, context.words("error.not_yours"), alert=True)
            return
        try:
            await general(query, context, said.value)
        except ValueError:  # a value that none of our keyboards has
            await answer(query, context.words("error.too_late"))
        return
    portrait = await context.storage.portraits.get(said.portrait) if said else None
    if said is None or said.verb not in _PORTRAIT_ACTIONS or portrait is None:
        await answer(query, context.words("error.stale"), alert=True)
        return
    may = await may_press(query.from_user, chat, portrait, context.bot)
    if not may or await _is_about_somebody_elses(query, context, portrait):
        await answer(query, context.words("error.not_yours"), alert=True)
        return
    await context.services.naming.withdraw_question(portrait.owner, portrait.chat)
    action, toast = _PORTRAIT_ACTIONS[said.verb]
    try:
        done = await action(query, context, portrait, said.value)
    except ValueError:  # a value that none of our keyboards has
        done = None
    if done is None:
        await _show_present_state(query, context, portrait.id)
    elif isinstance(done, Portrait) and done.failure.is_limit and done.failure == portrait.failure:
        # Its message says so already, and does not change.
        await answer(query, context.words("limit.later", button=context.words("button.retry")), alert=True)
    else:
        # False: there was nothing to do.
        await answer(query, context.words(toast) if toast and done is not False else "")


async def _is_about_somebody_elses(query: CallbackQuery, context: Context, portrait: Portrait) -> bool:
    """Return whether the button's message is about another owner's portrait: what a button says can be forged."""
    if query.message is None:
        return False
    about = await context.storage.lookup.by_any_message(query.message.chat.id, query.message.message_id)
    return about is not None and about.owner != portrait.owner


async def _show_present_state(query: CallbackQuery, context: Context, id_: int) -> None:
    portrait = await context.storage.portraits.get(id_)
    if portrait and portrait.state in ASKING_STATES:
        await answer(query)
        await context.insist(lambda: context.messenger.ask(portrait))
    else:
        await answer(query, context.words("error.too_late"))


async def _type_breed(_: CallbackQuery, context: Context, portrait: Portrait, __: str) -> object:
    expecting = await context.services.answers.expect_breed(portrait.id)
    if expecting:
        await context.insist(lambda: context.messenger.ask(expecting))
    return expecting


async def _film(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    return await history.film(query, context, portrait, age_number(value))


async def _more(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    if portrait.state not in RESULT_STATES:
        return None
    await edit(query.edit_message_reply_markup(more_keyboard(context.words, portrait, age_number(value))))
    return True


async def _less(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    if portrait.state not in RESULT_STATES:
        return None
    await edit(query.edit_message_reply_markup(await context.messenger.result_keyboard(portrait, age_number(value))))
    return True


async def _make(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    age, __, kind = value.partition(" ")
    if kind not in (*OFFERED_KINDS, Kind.PACK):
        return None
    return await context.services.results.request(portrait.id, age_number(age), Kind(kind), query.id)


async def _judge(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    age, _, verdict = value.partition(" ")
    judged = await context.services.results.judge(portrait, age_number(age), Verdict(verdict))
    if judged:
        await edit(query.edit_message_reply_markup(await context.messenger.result_keyboard(portrait, age_number(age))))
        await answer(query, context.words(f"verdict.{verdict}"))
    return judged


async def _explain(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    age, _, reason = value.partition(" ")
    explained = await context.services.results.explain(portrait, age_number(age), VerdictReason(reason))
    if explained:
        view = help_against(context.words, portrait, age_number(age), VerdictReason(reason))
        await edit(query.edit_message_text(view.text, reply_markup=view.keyboard))
    return explained


async def _name(query: CallbackQuery, context: Context, portrait: Portrait, __: str) -> object:
    expecting = await context.services.naming.expect_name(portrait.id)
    if expecting:
        # In a group the bot may see nothing but replies, so the owner's app opens one.
        group, leave = portrait.in_group, name_keyboard(context.words, portrait)
        asked = await context.insist(
            lambda: context.bot.send_message(
                portrait.chat,
                context.words("question.name_group" if group else "question.name"),
                message_thread_id=portrait.topic,
                reply_parameters=reply_to(portrait) if group else None,
                reply_markup=ForceReply(selective=True) if group else leave,
            )
        )
        await context.services.naming.note_question(portrait.id, asked.message_id)
    return expecting


async def _no_name(*_: object) -> object:
    """Every press withdraws the question for a name; this one does nothing else."""
    return True


async def _delete(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    if portrait.state not in (*RESULT_STATES, State.FAILED):
        return None
    await edit(query.edit_message_reply_markup(delete_keyboard(context.words, portrait, value)))
    return True


async def _delete_no(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    if value.startswith(history.GALLERY_PREFIX):
        await history.turn(query, context, value.removeprefix(history.GALLERY_PREFIX))
        return True
    if portrait.state is State.FAILED:
        keyboard = failure_keyboard(context.words, portrait)
    elif portrait.state in RESULT_STATES:
        age = age_number(value) if value else portrait.age
        keyboard = await context.messenger.result_keyboard(portrait, age)
    else:
        return None
    await edit(query.edit_message_reply_markup(keyboard))
    return True


async def _delete_yes(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
    goes_on = False
    with suppress(TypeError):  # python-telegram-bot's word for a gallery that is too old to be seen
        if value.startswith(history.GALLERY_PREFIX):
            goes_on = await history.turn_away(query, context, portrait, value.removeprefix(history.GALLERY_PREFIX))
    pet = await context.storage.pets.get(portrait.pet) if portrait.pet else None
    if not await context.services.deletion.delete(portrait):
        await answer(query, context.words("result.deleted_partly"), alert=True)
    elif pet:
        await answer(query, context.words(f"result.deleted_but_{'baby' if pet.baby_photo else 'pet'}", name=pet.name))
    if not goes_on:
        with suppress(BadRequest, TypeError):  # erased with the portrait, or too old to be
            await query.delete_message()
    return True


def _calling(call: Callable[[Services, Portrait, str], Awaitable[object]]) -> Action:
    """An action that is one call of a service."""

    async def action(_: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
        return await call(context.services, portrait, value)

    return action


def _requesting(request: Callable[[ResultService, int, float, str], Awaitable[object]]) -> Action:
    """An action that asks for results of an age."""

    async def action(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> object:
        return await request(context.services.results, portrait.id, age_number(value), query.id)

    return action


# Buttons about no portrait; whoever presses them means themselves.
_GENERAL_ACTIONS: dict[Verb, Callable[[CallbackQuery, Context, str], Awaitable[None]]] = {
    Verb.PAGE: history.turn,
    Verb.FORGET_PET: history.ask_to_forget,
    Verb.FORGET_PET_YES: history.forget_pet,
    Verb.LANGUAGE: language.choose,
    Verb.FORGET_YES: privacy.forget,
    Verb.FORGET_NO: privacy.keep,
}

# Answers to questions.
_ANSWERS: dict[Verb, Action] = {
    Verb.HEAD: _calling(
        lambda services, portrait, value: (
            services.answers.choose_all(portrait.id)
            if value == ALL_HEADS
            else services.answers.choose_head(portrait.id, whole_number(value))
        )
    ),
    Verb.GO_ON: _calling(lambda services, portrait, _: services.answers.go_on(portrait.id)),
    Verb.OTHER_PHOTO: _calling(lambda services, portrait, _: services.answers.take_other_photo(portrait.id)),
    Verb.BREED: _calling(lambda services, portrait, value: services.answers.choose_breed(portrait.id, value)),
    Verb.TYPE_BREED: _type_breed,
    Verb.OTHER_BREED: _calling(lambda services, portrait, _: services.answers.ask_breed_again(portrait.id)),
    Verb.PET: _calling(lambda services, portrait, value: services.answers.choose_pet(portrait.id, whole_number(value))),
    Verb.SKIP: _calling(lambda services, portrait, _: services.answers.skip_baby_photo(portrait.id)),
    Verb.USE_ALBUM: _calling(
        lambda services, portrait, value: services.answers.use_album_photo(portrait.id, whole_number(value or "0"))
    ),
    Verb.GROWN_UP: _calling(lambda services, portrait, _: services.answers.show_grown_up(portrait.id)),
    Verb.CANCEL: _calling(lambda services, portrait, _: services.portraits.cancel(portrait.id)),
    Verb.ANYWAY: _calling(lambda services, portrait, _: services.portraits.try_anyway(portrait.id)),
    Verb.RETRY: _calling(lambda services, portrait, _: services.portraits.retry(portrait.id)),
    Verb.VERDICT: _judge,
    Verb.WHY: _explain,
    Verb.MORE: _more,
    Verb.LESS: _less,
    Verb.NAME: _name,
    Verb.NO_NAME: _no_name,
    Verb.DELETE: _delete,
    Verb.DELETE_NO: _delete_no,
}

# Requests, which take a moment.
_REQUESTS: dict[Verb, Action] = {
    Verb.AGE: _calling(lambda services, portrait, value: services.results.show_age(portrait, age_number(value))),
    Verb.RESEND: _requesting(lambda results, id_, age, press: results.send_again(id_, age, press)),
    Verb.CARD: _requesting(lambda results, id_, age, press: results.request(id_, age, Kind.CARD, press)),
    Verb.WHOLE: _requesting(lambda results, id_, age, press: results.request(id_, age, Kind.WHOLE, press)),
    Verb.MAKE: _make,
    Verb.FILM: _film,
    Verb.AGAIN: _calling(lambda services, portrait, _: services.portraits.again(portrait.id)),
}

_PORTRAIT_ACTIONS: dict[Verb, tuple[Action, str]] = {
    **{verb: (action, "") for verb, action in _ANSWERS.items()},
    **{verb: (action, "result.wait") for verb, action in _REQUESTS.items()},
    Verb.DELETE_YES: (_delete_yes, "result.deleted"),
}
"""What a button does with its portrait, and which words answer the press."""
