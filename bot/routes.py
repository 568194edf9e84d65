"""Which handler answers what."""

import logging
from contextlib import suppress

from telegram import Update
from telegram.error import ChatMigrated, TelegramError
from telegram.ext import (
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.context import App, Context, introduce
from bot.handlers import admin, callbacks, groups, history, inline, language, photos, privacy, start, typed
from bot.handlers.admin import admins_only
from bot.messaging.errors import Meaning, meaning_of, translated_meaning
from bot.messaging.views import apology
from bot.operations.error_summary import error_trail
from bot.portraits.errors import ChatMoved

_logger = logging.getLogger(__name__)

_IN_PRIVATE = filters.ChatType.PRIVATE
_IN_GROUPS = filters.ChatType.GROUPS
_CLIP = filters.VIDEO | filters.ANIMATION | filters.VIDEO_NOTE
_PICTURE = (filters.PHOTO | filters.Document.ALL) & ~_CLIP  # of a GIF Telegram says that it is a file, too
_YOUNG_CAPTION = photos.CalledByCaption()


def add_handlers(app: App) -> None:
    """Register the handlers; the first that fits an update answers it."""
    new, edited = filters.UpdateType.MESSAGE, filters.UpdateType.EDITED_MESSAGE
    app.add_handlers(
        {
            -1: [TypeHandler(Update, introduce)],
            0: [
                CallbackQueryHandler(callbacks.press),
                InlineQueryHandler(inline.own_results),
                ChatMemberHandler(groups.my_membership, ChatMemberHandler.MY_CHAT_MEMBER),
                MessageHandler(filters.StatusUpdate.MIGRATE, groups.migrated),
                MessageHandler(edited & (filters.CAPTION | _PICTURE), photos.edited),
                MessageHandler(edited & _IN_PRIVATE & filters.TEXT & ~filters.COMMAND, typed.edited),
                MessageHandler(edited & _IN_GROUPS & filters.TEXT & ~filters.COMMAND & filters.REPLY, typed.group_text),
                CommandHandler("young", photos.young, new),
                MessageHandler(new & (_PICTURE | _CLIP) & _YOUNG_CAPTION, photos.young),
                CommandHandler("start", start.start, new),
                CommandHandler("help", start.help_, new),
                CommandHandler("cancel", start.cancel, new),
                CommandHandler("history", history.history, new & _IN_PRIVATE),
                CommandHandler("language", language.language, new & _IN_PRIVATE),
                CommandHandler("privacy", privacy.privacy, new),
                CommandHandler("mydata", privacy.my_data, new & _IN_PRIVATE),
                CommandHandler("forgetme", privacy.forget_me, new & _IN_PRIVATE),
                CommandHandler(["history", "language", "mydata", "forgetme"], groups.in_private, new & _IN_GROUPS),
                CommandHandler("stats", admins_only(admin.stats), new),
                CommandHandler("pause", admins_only(admin.pause), new),
                CommandHandler("resume", admins_only(admin.resume), new),
                CommandHandler("block", admins_only(admin.block), new),
                CommandHandler("unblock", admins_only(admin.unblock), new),
                CommandHandler("blocked", admins_only(admin.blocked), new),
                CommandHandler("limit", admins_only(admin.limit), new),
                MessageHandler(new & _IN_PRIVATE & _PICTURE, photos.private_photo),
                MessageHandler(new & _IN_GROUPS & _PICTURE & filters.REPLY, photos.group_photo),
                MessageHandler(new & _IN_PRIVATE & filters.TEXT & ~filters.COMMAND, typed.private_text),
                MessageHandler(new & _IN_GROUPS & filters.TEXT & ~filters.COMMAND & filters.REPLY, typed.group_text),
                MessageHandler(new & _IN_PRIVATE & _CLIP, start.video),
                MessageHandler(new & _IN_PRIVATE & filters.Sticker.ALL, start.sticker),
                MessageHandler(new & _IN_PRIVATE & ~filters.StatusUpdate.ALL, start.anything_else),
            ],
        }
    )
    app.add_error_handler(on_error)


async def on_error(update: object, context: Context) -> None:
    """Handle what no handler foresaw: log Telegram's failures; for ours, log the type and apologise."""
    error = context.error or RuntimeError()
    chat = update.effective_chat if isinstance(update, Update) else None
    meaning = meaning_of(error) if isinstance(error, TelegramError) else translated_meaning(error)
    said = ""
    if isinstance(error, ChatMigrated) and chat:
        await context.services.worker.move_group(chat.id, error.new_chat_id)
    elif isinstance(error, ChatMoved) and chat:
        await context.services.worker.move_group(chat.id, error.new_id)
    elif meaning is Meaning.DEFECT:
        _logger.error("an update failed: %s", error_trail(error))
        await context.services.alerts.update_failed(type(error).__name__)
        said = apology(context.words, bool(context.services.settings.admins))
    else:
        _logger.warning("not answered: %s (%s)", type(error).__name__, meaning)
        said = context.words("result.too_large") if meaning is Meaning.TOO_LARGE else ""
    if said and chat and chat.type == "private":
        with suppress(TelegramError):
            await context.bot.send_message(chat.id, said)
