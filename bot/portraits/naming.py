"""How a pet gets its name: the question after its portrait is made, and the answer."""

from bot.portraits.messenger import Messenger
from storage import RESULT_STATES, Expecting, Portrait, Storage

MAX_NAME_LETTERS = 24  # letters of a pet's name; what fits the card


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
        """Remember the pet's name; return it as it is kept, None when it is longer than `MAX_NAME_LETTERS`."""
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME_LETTERS:
            return None
        await self._storage.pets.name(portrait.id, name, self._storage.now())
        await self._close_question(portrait)
        if named := await self._storage.portraits.get(portrait.id):
            await self._messenger.renew_buttons(named)
        return name

    async def _close_question(self, portrait: Portrait) -> None:
        await self._storage.portraits.change(portrait.id, self._storage.now(), expected_text=Expecting.NOTHING)
        await self._messenger.remove_status(portrait)
