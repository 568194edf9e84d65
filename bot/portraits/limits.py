"""How many portraits a person and a group may have in a day."""

from dataclasses import dataclass
from enum import StrEnum

from storage import Storage


class Over(StrEnum):
    """Whose allowance is used up."""

    PERSON = "person"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Limits:
    """Portraits per day (UTC). Administrators of the bot have no limit."""

    storage: Storage
    person: int
    group: int
    admins: frozenset[int] = frozenset()

    async def over(self, owner: int, chat: int) -> tuple[Over, int] | None:
        """Return whose allowance is used up and how large it was; None when there is some left."""
        if owner in self.admins:
            return None
        now = self.storage.now()
        if await self.storage.usage.today(owner, now) >= self.person:
            return Over.PERSON, self.person
        if chat < 0:
            group = await self.storage.groups.get(chat)
            limit = self.group if group is None or group.daily_limit is None else group.daily_limit
            if await self.storage.usage.today(chat, now) >= limit:
                return Over.GROUP, limit
        return None

    async def count(self, owner: int, chat: int) -> None:
        """Count one more queued portrait."""
        await self.storage.usage.count(owner, self.storage.now())
        if chat < 0:
            await self.storage.usage.count(chat, self.storage.now())
