"""Words that are no command: a breed or a name where we asked for one."""

from telegram import Message, Update

from bot.context import Context, owner_of, reply
from bot.studio import LONGEST_NAME, SHOWN
from bot.views import breed_matches
from storage import Portrait, State


async def private_text(update: Update, context: Context) -> None:
    """The answer to our latest question; a friendly hint where we asked nothing."""
    message = update.effective_message
    if message is None or not message.text:
        return
    portrait = await _meant(message, context, owner_of(update) or 0)
    if portrait is None:
        await reply(update, context.words("hint.send_photo"))
    else:
        await _take(update, context, portrait, message.text)


async def group_text(update: Update, context: Context) -> None:
    """A reply to our question by whom we asked; all other talk is none of our business."""
    message = update.effective_message
    if message is None or not message.text or message.reply_to_message is None:
        return
    portrait = await context.storage.portraits.about(message.chat_id, message.reply_to_message.message_id)
    if portrait and portrait.owner == owner_of(update) and _asked(portrait):
        await _take(update, context, portrait, message.text)


def _asked(portrait: Portrait) -> bool:
    return portrait.state is State.AWAITING_BREED or portrait.expected_text == "name"


async def _meant(message: Message, context: Context, owner: int) -> Portrait | None:
    """The portrait that words in a private chat are about."""
    portraits, chat = context.storage.portraits, message.chat_id
    if message.reply_to_message:
        about = await portraits.about(chat, message.reply_to_message.message_id)
        if about and about.owner == owner and _asked(about):
            return about
    asked = [
        await portraits.latest(owner, chat, SHOWN, expecting="name"),
        await portraits.latest(owner, chat, (State.AWAITING_BREED,)),
    ]
    return max((one for one in asked if one), key=lambda one: one.changed_at, default=None)


async def _take(update: Update, context: Context, portrait: Portrait, text: str) -> None:
    if portrait.state is State.AWAITING_BREED:
        chosen, breeds = await context.studio.type_breed(portrait, text)
        if chosen is None:
            await context.voice.show(portrait, breed_matches(context.words, portrait, breeds))
        return
    name = await context.studio.name(portrait, text)
    if name is None:
        await reply(update, context.words("result.name_too_long", count=LONGEST_NAME))
    else:
        await reply(update, context.words("result.named", name=name))
