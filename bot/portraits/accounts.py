"""What is remembered about people, their pets and the groups they write in."""

from bot.portraits.data_export import MAX_ARCHIVE_BYTES, Archive, archives_of
from bot.portraits.portrait_service import PortraitService
from storage import Person, Storage


class AccountService:
    """Keeps the rows of people, pets and groups."""

    def __init__(self, storage: Storage, portraits: PortraitService) -> None:
        self._storage = storage
        self._portraits = portraits
        self.max_archive_bytes = MAX_ARCHIVE_BYTES

    # ---- people

    async def meet(self, person: int, telegram_language: str) -> Person:
        """Return the person's row, made at the first meeting; whoever writes can be reached (again)."""
        return await self._storage.people.meet(person, telegram_language, self._storage.now())

    async def choose_language(self, person: int, language: str | None, spoken: str) -> None:
        """Set the language; None follows Telegram. `spoken` is what results, for portraits already begun."""
        await self._storage.people.choose_language(person, language, spoken)

    async def mark_unreachable(self, person: int) -> None:
        """Note that the person stopped the bot: nothing is sent until they write again."""
        await self._storage.people.mark_unreachable(person)

    async def block(self, person: int) -> None:
        """Ignore a person from now on, and cancel what they have open."""
        await self._storage.people.block(person, self._storage.now())
        await self._portraits.cancel_all(person)

    async def unblock(self, person: int) -> None:
        await self._storage.people.unblock(person)

    async def forget_pet(self, owner: int, pet: int) -> None:
        """Delete a pet's name, breed and baby photo; its portraits stay, without the name."""
        await self._storage.pets.delete(owner, pet)

    async def export(self, owner: int) -> list[Archive]:
        """Return everything stored about a person, in as many archives as it takes."""
        return await archives_of(self._storage, owner, self.max_archive_bytes)

    # ---- groups

    async def join_group(self, group: int) -> None:
        """Note that the bot is in this group."""
        await self._storage.groups.join(group, self._storage.now())

    async def leave_group(self, group: int) -> None:
        """Note that the bot was removed: what is open in the group ends, and nothing of it is kept."""
        await self._portraits.leave_group(group)

    async def limit_group(self, group: int, daily_limit: int | None) -> None:
        """Set how many portraits a day the group may have; None takes the setting's number."""
        await self._storage.groups.limit(group, daily_limit, self._storage.now())
