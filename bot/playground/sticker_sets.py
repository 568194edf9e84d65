"""The sticker sets that the bot has made, each for one user, with Telegram's limits on them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.playground.errors import Json, bad_request
from bot.playground.store import Store

STICKERS_MAX = 120  # in one set of the regular type; Telegram's limit
FIRST_STICKERS = range(1, 51)  # in a new set; the Bot API's limits
_TITLE_LENGTHS = range(1, 65)  # characters; the Bot API's limits
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")  # no underscore at an end or beside another
_NAME_MAX = 64  # characters; the Bot API's limit


@dataclass(slots=True)
class StickerSet:
    """A set and its owner. `stickers` are the file_ids of what is in it, in order."""

    name: str
    title: str
    owner_id: int
    stickers: list[str] = field(default_factory=list)


class StickerSets:
    """The sets by their names, whose case does not matter. `bot_username` has to end every name."""

    def __init__(self, store: Store, bot_username: str) -> None:
        self._store = store
        self._ending = f"_by_{bot_username}".lower()
        self._sets = {found.name.lower(): found for found in store.all("sticker_set", StickerSet)}

    def check_new(self, name: str, title: str) -> None:
        """Raise 400 for a name or a title that no new set can have."""
        if len(name) > _NAME_MAX or not _NAME.fullmatch(name) or not name.lower().endswith(self._ending):
            raise bad_request("invalid sticker set name is specified")
        if len(title.strip()) not in _TITLE_LENGTHS:
            raise bad_request("STICKERSET_TITLE_INVALID" if title.strip() else "sticker set title must be non-empty")
        if name.lower() in self._sets:
            raise bad_request("sticker set name is already occupied")

    def add(self, name: str, title: str, owner_id: int, stickers: Sequence[str]) -> None:
        """Add a set that `check_new` has let pass."""
        self._save(StickerSet(name, title.strip(), owner_id, list(stickers)))

    def find(self, name: str) -> StickerSet:
        """Return a set; raises 400 where there is none with this name."""
        try:
            return self._sets[name.lower()]
        except KeyError:
            raise bad_request("STICKERSET_INVALID") from None

    def owned(self, name: str, owner_id: int) -> StickerSet:
        """Return a set that one more sticker is to be added to; raises 400 where it is another's, or full."""
        found = self.find(name)
        if found.owner_id != owner_id:
            raise bad_request("STICKERSET_INVALID")
        if len(found.stickers) >= STICKERS_MAX:
            raise bad_request("STICKERS_TOO_MUCH")
        return found

    def append(self, found: StickerSet, file_id: str) -> None:
        found.stickers.append(file_id)
        self._save(found)

    def remove_sticker(self, file_id: str) -> None:
        """Take a sticker out of its set, which may then be empty; raises 400 where it is in none."""
        for found in self._sets.values():
            if file_id in found.stickers:
                found.stickers.remove(file_id)
                self._save(found)
                return
        raise bad_request("STICKER_INVALID")

    def remove(self, name: str) -> None:
        found = self.find(name)
        del self._sets[found.name.lower()]
        self._store.remove("sticker_set", found.name.lower())

    def show(self, found: StickerSet, stickers: Sequence[Json]) -> Json:
        """Return the set as the Bot API shows it."""
        return {"name": found.name, "title": found.title, "sticker_type": "regular", "stickers": list(stickers)}

    def _save(self, changed: StickerSet) -> None:
        self._sets[changed.name.lower()] = changed
        self._store.put("sticker_set", changed.name.lower(), changed)
