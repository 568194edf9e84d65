"""Words that are not a command: the breed or the name that we asked for."""

from telegram import Message, ReplyParameters, Update

from bot.context import Context, owner_of
from bot.portraits.naming import MAX_NAME_LETTERS
from storage import ASKING_STATES, RESULT_STATES, Expecting, Portrait, State

_HINT_WINDOW_S = 6 * 3600.0  # s; words later than this are not about the portrait that was begun
_NAME_WINDOW_S = 3600.0  # s; words later than this are not the name that was asked for
_WORKING = (State.RECEIVED, State.BABY_RECEIVED, State.QUEUED, State.RUNNING, State.DELIVERING)


async def private_text(update: Update, context: Context) -> None:
    """Take the answer to our latest question; give a hint if we asked nothing."""
    message = update.effective_message
    if message is None or not message.text:
        return
    owner = owner_of(update) or 0
    if portrait := await _meant(message, context, owner):
        await _take(update, context, portrait, message, message.text)
        return
    asked = await context.storage.lookup.latest(owner, message.chat_id, (State.AWAITING_BABY_PHOTO,))
    if not await _correct_breed(context, asked, message, message.text):
        await _hint(update, context, owner, message.chat_id)


async def edited(update: Update, context: Context) -> None:
    """Take an edited message as a corrected breed; other edits change nothing."""
    message = update.edited_message
    if message is None or not message.text:
        return
    asking = (State.AWAITING_BREED, State.AWAITING_BABY_PHOTO)
    portrait = await context.storage.lookup.latest(owner_of(update) or 0, message.chat_id, asking)
    if portrait is None or message.date.timestamp() < int(portrait.created_at):
        return
    if portrait.state is State.AWAITING_BREED:
        await _take(update, context, portrait, message, message.text)
    else:
        await _correct_breed(context, portrait, message, message.text)


async def _hint(update: Update, context: Context, owner: int, chat: int) -> None:
    """Say what to do next to somebody who wrote without being asked."""
    now, words = context.storage.now(), context.words
    latest = await context.storage.lookup.latest(owner, chat, (*ASKING_STATES, *_WORKING))
    if latest is None or now - latest.changed_at > _HINT_WINDOW_S:
        await context.reply(update, words("hint.send_photo"))
    elif latest.state in _WORKING:
        await context.reply(update, words("hint.working"))
    elif latest.status_message:
        question = ReplyParameters(latest.status_message, allow_sending_without_reply=True)
        await context.reply(update, words("hint.answer"), reply_parameters=question)


async def group_text(update: Update, context: Context) -> None:
    """Take a reply to our question by the person we asked; ignore all other talk."""
    message = update.effective_message
    if message is None or not message.text or message.reply_to_message is None:
        return
    portrait = await context.storage.lookup.by_any_message(message.chat_id, message.reply_to_message.message_id)
    if portrait is None or portrait.owner != owner_of(update):
        return
    if _asked(portrait):
        await _take(update, context, portrait, message, message.text)
    else:
        await _correct_breed(context, portrait, message, message.text)


def _asked(portrait: Portrait) -> bool:
    return portrait.state is State.AWAITING_BREED or portrait.expected_text is Expecting.NAME


async def _meant(message: Message, context: Context, owner: int) -> Portrait | None:
    """Return the portrait that words in a private chat are about."""
    chat = message.chat_id
    if message.reply_to_message:
        about = await context.storage.lookup.by_any_message(chat, message.reply_to_message.message_id)
        if about and about.owner == owner and _asked(about):
            return about
    named = await context.storage.lookup.latest(owner, chat, RESULT_STATES, expecting=Expecting.NAME)
    if named and context.storage.now() - named.changed_at > _NAME_WINDOW_S:
        named = None
    asked = [named, await context.storage.lookup.latest(owner, chat, (State.AWAITING_BREED,))]
    return max((one for one in asked if one), key=lambda one: one.changed_at, default=None)


async def _correct_breed(context: Context, portrait: Portrait | None, message: Message, text: str) -> bool:
    """Take another breed than the question for a baby photo names; return whether the words told one."""
    changed = await context.services.answers.correct_breed(portrait, text) if portrait else None
    if changed is None:
        return False
    await context.insist(lambda: context.messenger.ask_below(changed, message.message_id))
    return True


async def _take(update: Update, context: Context, portrait: Portrait, message: Message, text: str) -> None:
    if portrait.state is State.AWAITING_BREED:
        chosen, breeds = await context.services.answers.type_breed(portrait, text)
        if chosen is None:
            await context.insist(lambda: context.messenger.answer(portrait, text, message.message_id, breeds))
        else:
            await context.messenger.delete_status(portrait)  # the next question is below the words
        return
    name = await context.services.naming.name(portrait, text)
    if name is None:
        await context.reply(update, context.words("result.name_too_long", count=MAX_NAME_LETTERS))
    elif not name:
        await context.reply(update, context.words("question.name_group" if portrait.in_group else "question.name"))
    else:
        said = await context.reply(update, context.words("result.named", name=name))
        if said:  # it says the name, and goes with the portrait
            await context.services.results.record_message(portrait.id, said.chat_id, said.message_id)
