"""What owners ask for when their portrait is finished, and what they think of it."""

from collections.abc import Iterable

from bot.portraits.age_range import OLDEST_AGE, YOUNGEST_EVER, nearest_age
from bot.portraits.worker import PortraitWorker
from storage import RESULT_STATES, Kind, Portrait, Result, Storage, Verdict, VerdictReason

_GOOD_OF_TODAY = (Kind.STRIP, Kind.STICKER, Kind.PACK, Kind.STILL, Kind.FILM)  # the others compare it with another age


class ResultService:
    """Takes requests for results, and notes where they are shown. A `press` that is handed out twice asks once."""

    def __init__(self, storage: Storage, worker: PortraitWorker) -> None:
        self._storage = storage
        self._worker = worker

    async def show_age(self, portrait: Portrait, age: float) -> bool | None:
        """Show picture and film of the nearest age with a name where those of another one are.

        False when they are shown already.
        """
        if portrait.state not in RESULT_STATES:
            return None
        changed = await self._storage.results.show_age(portrait.id, nearest_age(portrait, age))
        self._worker.schedule(portrait.id)
        return changed

    async def request(self, id_: int, age: float, kind: Kind, press: str = "") -> list[Result] | None:
        """Send the card, the whole photo, or another result of this age."""
        portrait = await self._storage.portraits.get(id_)
        if portrait and age == 0 and kind not in _GOOD_OF_TODAY:
            age = portrait.age  # of today alone there is nothing to tell
        return await self._request(id_, age, (kind, Kind.STRIP_FILE) if kind is Kind.STRIP else (kind,), press)

    async def send_again(self, id_: int, age: float, press: str = "") -> list[Result] | None:
        """Send once more what is missing of this age; None when all is known to be there."""
        results = await self._storage.results.of(id_)
        missing = [result.kind for result in results if result.age == age and result.missing]
        return await self._request(id_, age, missing, press) if missing else None

    async def note_press_served(self, update: int) -> None:
        """Note that the update with this press is through, although what it asks for is still to be sent."""
        await self._storage.updates.handled(update, self._storage.now())

    async def judge(self, portrait: Portrait, age: float, verdict: Verdict) -> bool | None:
        """Take the owner's verdict on this age; after the first bad one they are asked why."""
        if portrait.state not in RESULT_STATES:
            return None
        if await self._storage.verdicts.give(portrait.id, age, verdict):
            self._worker.schedule(portrait.id)
        return True

    async def explain(self, portrait: Portrait, age: float, reason: VerdictReason) -> bool | None:
        """Take why the verdict on this age is bad; None when it is not (any more)."""
        return True if await self._storage.verdicts.explain(portrait.id, age, reason) else None

    async def record_message(self, id_: int, chat: int, message: int) -> None:
        """Note that this message shows a result, so that deleting the portrait takes it away."""
        await self._storage.messages.record(id_, chat, message)

    async def move_gallery(self, id_: int, chat: int, message: int) -> None:
        """Note that a gallery's message shows this portrait now, and no other any more."""
        await self._storage.messages.move_gallery(id_, chat, message)

    async def set_file_id(self, result: int, file_id: str | None) -> None:
        """Note under which id the messenger has a result; None when it has it no more."""
        await self._storage.results.set_file_id(result, file_id)

    async def _request(self, id_: int, age: float, kinds: Iterable[Kind], press: str) -> list[Result] | None:
        portrait = await self._storage.portraits.get(id_)
        if portrait is None or portrait.state not in RESULT_STATES or not OLDEST_AGE <= age <= YOUNGEST_EVER:
            return None
        requested = await self._storage.results.request(id_, round(age, 2), kinds, press)
        self._worker.schedule(id_)
        return requested
