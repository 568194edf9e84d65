"""/start, /help, /cancel, and the answers to everything that is not a photo."""

from importlib.resources import files

from telegram import Update

from bot.context import Context, owner_of
from bot.messaging.menus import publish_admin_menu


async def start(update: Update, context: Context) -> None:
    """Show in one picture what the bot does. Each process uploads it once; after that Telegram has it."""
    message = update.effective_message
    if message is None:
        return
    if message.chat.type != "private":  # people come here by "Add to group" too
        await help_(update, context)
        return
    known = context.services.pictures
    picture = known.get("start") or files("bot").joinpath("pictures/start.jpg").read_bytes()
    sent = await context.insist(lambda: message.reply_photo(picture, caption=context.words("start.hello")))
    known["start"] = sent.photo[-1].file_id
    if update.effective_user is not None and context.is_admin(update.effective_user):
        await publish_admin_menu(context.bot, update.effective_user.id)  # Telegram may not have known the chat earlier


async def help_(update: Update, context: Context) -> None:
    private = update.effective_chat is not None and update.effective_chat.type == "private"
    if private:
        await context.reply(update, context.words("help.private"))
    else:
        await context.reply(update, context.words("help.group", bot=context.services.username))


async def cancel(update: Update, context: Context) -> None:
    """Cancel everything that this person has open in this chat."""
    owner, chat = owner_of(update), update.effective_chat
    if owner is None or chat is None:
        return
    left = await context.services.naming.withdraw_question(owner, chat.id)
    if not await context.services.portraits.cancel_all(owner, chat.id):
        await context.reply(update, context.words("progress.cancelled" if left else "progress.nothing_to_cancel"))


async def video(update: Update, context: Context) -> None:
    """Ask for a photo instead, once for an album; among photos, which are taken, a clip is left alone."""
    message = update.effective_message
    album = message.media_group_id if message else None
    if message and album and await context.storage.lookup.of_album(owner_of(update) or 0, message.chat_id, album):
        return
    if context.services.first_of_album(album):
        await context.reply(update, context.words("hint.video"))


async def sticker(update: Update, context: Context) -> None:
    await context.reply(update, context.words("hint.sticker"))


async def anything_else(update: Update, context: Context) -> None:
    await context.reply(update, context.words("hint.send_photo"))
