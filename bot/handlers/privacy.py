"""/privacy, /forgetme, /mydata: what is kept, and how to get it or be rid of it."""

import asyncio
import io
import json
import zipfile
from dataclasses import asdict

from telegram import InputFile, Update

from bot.context import Context, answer, edit, owner_of, reply
from bot.keyboards import forget_keyboard
from storage import Storage

_MOST_BYTES = 45 * 1024 * 1024  # Telegram takes 50 MB from a bot; the rest is the archive's own
_NAMES = {"still": "jpg", "whole": "jpg", "card": "jpg", "film": "mp4"}


async def privacy(update: Update, context: Context) -> None:
    await reply(update, context.words("privacy.text", count=context.desk.settings.retention_days))


async def forget_me(update: Update, context: Context) -> None:
    await reply(update, context.words("privacy.forget_ask"), reply_markup=forget_keyboard(context.words))


async def forget(update: Update, context: Context) -> None:
    """The person has confirmed."""
    query = update.callback_query
    if query is None:
        return
    if await context.studio.forget(query.from_user.id):
        await answer(update)
    else:
        await answer(update, context.words("result.deleted_partly"), alert=True)
    await edit(query.edit_message_text(context.words("privacy.forgotten")))


async def keep(update: Update, context: Context) -> None:
    query = update.callback_query
    if query is None:
        return
    await answer(update)
    await edit(query.edit_message_text(context.words("privacy.kept")))


async def my_data(update: Update, context: Context) -> None:
    """Everything about this person in one archive: a JSON of the rows, and the photos, pictures and films."""
    owner, message = owner_of(update), update.effective_message
    if owner is None or message is None:
        return
    archive = await collect(context.storage, owner)
    await message.reply_document(
        InputFile(archive, "throwback.zip"), caption=context.words("privacy.data"), write_timeout=120, read_timeout=120
    )


async def collect(storage: Storage, owner: int) -> bytes:
    """The ZIP of what is stored about a person; media beyond what Telegram takes are named, but left out."""
    person, pets = await storage.people.get(owner), await storage.people.pets(owner)
    portraits = await storage.portraits.of_owner(owner)
    results = {portrait.id: await storage.portraits.results(portrait.id) for portrait in portraits}
    rows = {
        "person": asdict(person) if person else None,
        "pets": [asdict(pet) for pet in pets],
        "portraits": [
            asdict(portrait)
            | {
                "results": [asdict(result) for result in results[portrait.id]],
                "messages": await storage.portraits.messages(portrait.id),
            }
            for portrait in portraits
        ],
        "portraits_by_day": await storage.people.usage(owner),
    }
    files: dict[str, str] = {}  # name in the archive: digest
    for pet in pets:
        if pet.baby_photo:
            files[f"pets/{pet.id}-baby"] = pet.baby_photo
    for portrait in portraits:
        for name, digest in (
            ("photo", portrait.photo),
            ("baby-photo", portrait.baby_photo),
            ("latent", portrait.latent),
        ):
            if digest:
                files[f"{portrait.id}/{name}"] = digest
        for result in results[portrait.id]:
            if result.digest:
                files[f"{portrait.id}/{result.kind}-{result.age:.2f}.{_NAMES[result.kind]}"] = result.digest
    return await asyncio.to_thread(_zipped, storage, json.dumps(rows, ensure_ascii=False, indent=1), files)


def _zipped(storage: Storage, rows: str, files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", rows)
        for name, digest in files.items():
            path = storage.media.path(digest)
            if path.is_file() and out.tell() + path.stat().st_size < _MOST_BYTES:
                archive.write(path, name, zipfile.ZIP_STORED)  # pictures and films are compressed already
    return out.getvalue()
