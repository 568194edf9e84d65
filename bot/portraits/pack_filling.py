"""Puts stickers into their owners' own sticker sets, each once, whatever happens in between."""

import secrets

from bot.portraits.errors import PackFull, PackRefused
from bot.portraits.messenger import StickerSetMaker
from storage import Notice, Portrait, Result, Sticker, Storage

_NAME_BYTES = 6  # of chance in a set's name, which everybody can read: it tells nothing about its owner


class PackFilling:
    """A set is noted before it is made, and a sticker before it is put in, with what was in the set until then."""

    def __init__(self, storage: Storage, sets: StickerSetMaker) -> None:
        self._storage = storage
        self._sets = sets

    async def fill(self, portrait: Portrait, result: Result) -> bool:
        """Put the sticker into the owner's newest set, or a new one; False where that is refused, and a notice says so.

        Raises the errors of `bot.portraits.errors`.
        """
        known = await self._storage.packs.get(portrait.id, result.age)
        if known and await self._is_in(known):
            return True
        name = await self._storage.packs.newest(portrait.owner)
        try:
            try:
                await self._put(portrait, result, name or await self._new_name(portrait))
            except PackFull:
                await self._put(portrait, result, await self._new_name(portrait))
        except PackRefused:
            await self._storage.results.not_sent(result, Notice.NO_PACK)
            return False
        return True

    async def _put(self, portrait: Portrait, result: Result, name: str) -> None:
        before = await self._sets.stickers(name)
        sticker = Sticker(portrait.id, result.age, name, len(before or ()))
        await self._storage.packs.begin(sticker)
        await self._sets.add(portrait, result, name, new=before is None)
        after = await self._sets.stickers(name)
        if after:
            await self._storage.packs.put(sticker, after[-1])

    async def _is_in(self, sticker: Sticker) -> bool:
        """Whether the set has it: known, or seen by the number of its stickers after a process was killed."""
        stickers = await self._sets.stickers(sticker.name) or []
        if sticker.file_id:
            return sticker.file_id in stickers
        if len(stickers) <= sticker.before:
            return False
        await self._storage.packs.put(sticker, stickers[-1])
        return True

    async def _new_name(self, portrait: Portrait) -> str:
        name = self._sets.name(f"pets_{secrets.token_hex(_NAME_BYTES)}")
        await self._storage.packs.add_set(name, portrait.owner, self._storage.now())
        return name
