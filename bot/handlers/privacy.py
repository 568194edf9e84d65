"""/privacy, /forgetme, /mydata: what is kept, how to get it, and how to have it deleted."""

import asyncio

from telegram import CallbackQuery, InputFile, Update

from bot.context import Context, answer, edit, owner_of
from bot.messaging.keyboards import forget_keyboard


async def privacy(update: Update, context: Context) -> None:
    await context.reply(update, context.words("privacy.text", count=context.services.settings.retention_days))


async def forget_me(update: Update, context: Context) -> None:
    await context.reply(update, context.words("privacy.forget_ask"), reply_markup=forget_keyboard(context.words))


async def forget(query: CallbackQuery, context: Context, _: str) -> None:
    """Delete everything: the person has confirmed."""
    if await context.services.deletion.forget(query.from_user.id):
        await answer(query)
    else:
        await answer(query, context.words("result.deleted_partly"), alert=True)
    await edit(query.edit_message_text(context.words("privacy.forgotten")))


async def keep(query: CallbackQuery, context: Context, _: str) -> None:
    await answer(query)
    await edit(query.edit_message_text(context.words("privacy.kept")))


async def my_data(update: Update, context: Context) -> None:
    """Send everything about this person, in as many archives as Telegram's limit requires."""
    owner, message = owner_of(update), update.effective_message
    if owner is None or message is None:
        return
    archives = await context.services.accounts.export(owner)
    for number, archive in enumerate(archives, 1):
        if len(archives) == 1:
            name, said = "throwback.zip", context.words("privacy.data")
        else:
            name = f"throwback-{number}.zip"
            said = context.words("privacy.data_part", number=number, count=len(archives))
        document = InputFile(await asyncio.to_thread(archive.zipped), name)
        await context.bot.send_document(message.chat_id, document, caption=said, write_timeout=120, read_timeout=120)
