"""Deleting portraits and people: from the storage, the engine's cache and the chats."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bot.portraits.messenger import Messenger, StickerSetMaker
from bot.portraits.worker import PortraitWorker
from engine import EngineClient
from storage import Deleted, Portrait, Storage


class DeletionService:
    """Deletes for good."""

    def __init__(
        self,
        storage: Storage,
        engine: EngineClient,
        messenger: Messenger,
        sticker_sets: StickerSetMaker,
        worker: PortraitWorker,
    ) -> None:
        self._storage = storage
        self._engine = engine
        self._messenger = messenger
        self._sticker_sets = sticker_sets
        self._worker = worker

    async def delete(self, portrait: Portrait) -> bool:
        """Delete the portrait, its files, and its results from where they were sent, as often as they were.

        With it go the portraits of the other pets in its photo. False when some of the messages have to stay.
        """
        others = await self._storage.portraits.together(portrait) if portrait.together else []
        gone = [
            await self._delete([one], self._storage.portraits.delete, one.id)
            for one in (portrait, *others)
            if one is portrait or one.id != portrait.id
        ]
        return all(gone)

    async def forget(self, owner: int) -> bool:
        """Delete everything about a person: rows, files, latents, messages, and what the engine keeps of the photos.

        False when some of the messages have to stay.
        """
        portraits = await self._storage.portraits.of_owner(owner)
        packs = await self._storage.packs.names(owner)
        gone = await self._sticker_sets.delete_sets(packs)
        for name in packs:
            await self._storage.packs.delete_set(name)
        return await self._delete(portraits, self._storage.people.forget, owner) and gone

    async def expire(self, days: float) -> int:
        """Delete what nobody touched for so many days, in the engine too; return how many portraits."""
        before = self._storage.now() - days * 86_400
        expired = await self._storage.portraits.older(before)
        await self._forget_in_engine(expired)
        await self._storage.expire(before)
        return len(expired)

    async def _delete(
        self, portraits: Sequence[Portrait], delete: Callable[[int], Awaitable[Deleted]], whose: int
    ) -> bool:
        """Take portraits out of the engine and the chats, and delete their rows; False when some messages have to stay.

        The rows go last: killed in between, we still know from them what stands in the chats.
        """
        await self._forget_in_engine(portraits)
        known = await self._storage.messages.of(*[portrait.id for portrait in portraits])
        gone = await self._messenger.delete_messages(portraits, known)
        stickers = await self._storage.packs.of([portrait.id for portrait in portraits])
        gone &= await self._sticker_sets.delete_stickers([one.file_id for one in stickers if one.file_id])
        deleted = await delete(whose)
        for portrait in deleted.portraits:
            self._worker.restart(portrait.id)
        return await self._messenger.delete_messages(deleted.portraits, _new(deleted.messages, known)) and gone

    async def _forget_in_engine(self, portraits: Iterable[Portrait]) -> None:
        digests = {one for portrait in portraits for one in (portrait.photo, portrait.baby_photo) if one}
        if digests:
            await self._engine.forget(sorted(digests))


def _new(messages: Mapping[int, Sequence[int]], known: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Those of the messages, by chat, that were not known before."""
    return {chat: [one for one in numbers if one not in known.get(chat, ())] for chat, numbers in messages.items()}
