"""Telegram's sticker sets: each is made by us for its owner, to whom it belongs."""

from collections.abc import Awaitable, Iterable

from telegram import InputSticker
from telegram.constants import StickerFormat
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import ExtBot

from bot.messaging.errors import translated
from bot.portraits.errors import PackFull, PackRefused
from bot.texts import words_for
from storage import Portrait, Result, Storage

_EMOJI = {"dog": "🐶", "cat": "🐱"}
_FULL = ("stickers_too_much", "already occupied")  # words of refusals after which another set does
_GONE = ("stickerset_invalid", "sticker_invalid", "wrong file")  # of what is not there, or not any more


class StickerSetRequests:
    """Makes, fills, reads and deletes sets. `upload_timeout_s` is for Telegram's answer."""

    def __init__(self, bot: ExtBot[int], storage: Storage, upload_timeout_s: float) -> None:
        self._bot = bot
        self._storage = storage
        self._upload_timeout_s = upload_timeout_s

    def name(self, name: str) -> str:
        """Return the name with the ending that Telegram demands."""
        return f"{name}_by_{self._bot.username}"

    async def stickers(self, name: str) -> list[str] | None:
        """Return the file ids of a set's stickers; None when there is no such set."""
        with translated():
            try:
                found = await self._bot.get_sticker_set(name)
            except BadRequest as error:
                if not _says(error, _GONE):
                    raise
                return None
        return [sticker.file_id for sticker in found.stickers]

    async def add(self, portrait: Portrait, result: Result, name: str, new: bool) -> None:
        """Put a sticker into a set. Raises `PackFull` and `PackRefused`."""
        content = await self._storage.media.read(result.digest or "")
        sticker = InputSticker(content, [_EMOJI.get(portrait.species, "🐾")], StickerFormat.STATIC)
        with translated():
            try:
                if new:
                    await self._bot.create_new_sticker_set(
                        portrait.owner,
                        name,
                        words_for(portrait.language)("pack.title"),
                        stickers=[sticker],
                        read_timeout=self._upload_timeout_s,
                    )
                else:
                    await self._bot.add_sticker_to_set(
                        portrait.owner, name, sticker, read_timeout=self._upload_timeout_s
                    )
            except (BadRequest, Forbidden) as error:
                raise (PackFull if _says(error, _FULL) else PackRefused)(type(error).__name__) from None

    async def delete_stickers(self, file_ids: Iterable[str]) -> bool:
        """Take stickers out of their sets; False when some may still be there."""
        return all([await self._gone(self._bot.delete_sticker_from_set(file_id)) for file_id in file_ids])

    async def delete_sets(self, names: Iterable[str]) -> bool:
        """Delete sets; False when some may still be there."""
        return all([await self._gone(self._bot.delete_sticker_set(name)) for name in names])

    async def _gone(self, deletion: Awaitable[bool]) -> bool:
        try:
            await deletion
        except TelegramError as error:
            return isinstance(error, BadRequest) and _says(error, _GONE)
        return True


def _says(error: TelegramError, words: Iterable[str]) -> bool:
    return any(one in str(error).lower() for one in words)
