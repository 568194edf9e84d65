"""/language: which language the bot speaks with somebody."""

from telegram import CallbackQuery, Update

from bot.context import Context, answer, edit
from bot.messaging.keyboards import language_keyboard
from bot.texts import LANGUAGES, closest_language, words_for


async def language(update: Update, context: Context) -> None:
    await context.reply(update, context.words("language.ask"), reply_markup=language_keyboard(context.words))


async def choose(query: CallbackQuery, context: Context, value: str) -> None:
    """Speak this language with the person; "" follows Telegram.

    Raises ValueError for a language that the bot does not speak.
    """
    if value and value not in LANGUAGES:
        raise ValueError(value)
    await context.services.accounts.meet(query.from_user.id, query.from_user.language_code or "")
    spoken = value or closest_language(query.from_user.language_code)
    await context.services.accounts.choose_language(query.from_user.id, value or None, spoken)
    words = words_for(spoken)
    await answer(query)
    await edit(query.edit_message_text(words("language.chosen")))
