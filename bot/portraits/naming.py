"""How a pet gets its name: the question after its portrait is made, and the answer."""

import unicodedata

from bot.portraits.messenger import Messenger
from storage import RESULT_STATES, Expecting, Portrait, Storage

MAX_NAME_LETTERS = 24  # letters of a pet's name; what fits the card

# Letters by Unicode that show nothing: fillers of Hangul, and Braille without a dot.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_NOTHING_SEEN = ("Cc", "Cf", "Mn", "Zs")  # categories of characters that show nothing alone
_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # they turn the words after them around


class NamingService:
    """Asks for names and keeps them."""

    def __init__(self, storage: Storage, messenger: Messenger) -> None:
        self._storage = storage
        self._messenger = messenger

    async def expect_name(self, id_: int) -> Portrait | None:
        """Take the owner's next words for the pet's name; None when nothing is made yet."""
        portrait = await self._storage.portraits.get(id_)
        if portrait is None or portrait.state not in RESULT_STATES:
            return None
        return await self._storage.portraits.change(id_, self._storage.now(), expected_text=Expecting.NAME)

    async def note_question(self, id_: int, message: int) -> None:
        """Note the message that asks for the name; it goes when the question has served."""
        await self._storage.portraits.change(id_, self._storage.now(), status_message=message)

    async def withdraw_question(self, owner: int, chat: int) -> bool:
        """Take the question back, for somebody who did something else; False when none is open."""
        unnamed = await self._storage.lookup.latest(owner, chat, RESULT_STATES, Expecting.NAME)
        if unnamed is None:
            return False
        await self._close_question(unnamed)
        return True

    async def name(self, portrait: Portrait, name: str) -> str | None:
        """Remember the pet's name; return it as it is kept, None when it is longer than `MAX_NAME_LETTERS`.

        Of a name that nobody could see, "" is returned, and nothing kept.
        """
        name = _seen(name)
        if not name or len(name) > MAX_NAME_LETTERS:
            return None if name else ""
        await self._storage.pets.name(portrait.id, name, self._storage.now())
        await self._close_question(portrait)
        if named := await self._storage.portraits.get(portrait.id):
            await self._messenger.renew_buttons(named)
        return name

    async def _close_question(self, portrait: Portrait) -> None:
        await self._storage.portraits.change(portrait.id, self._storage.now(), expected_text=Expecting.NOTHING)
        await self._messenger.remove_status(portrait)


def _seen(name: str) -> str:
    """Return the name without what turns words around it; "" for one of which nothing can be seen."""
    kept = "".join(
        one
        for one in " ".join(name.split())
        if unicodedata.category(one) != "Cc" and unicodedata.bidirectional(one) not in _TURNING
    )
    seen = any(one not in _BLANKS and unicodedata.category(one) not in _NOTHING_SEEN for one in kept)
    return kept.strip() if seen else ""
