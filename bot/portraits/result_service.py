"""What owners ask for when their portrait is finished: other ages, the card, the whole photo, a film in the gallery."""

from collections.abc import Iterable

from bot.portraits.age_range import OLDEST_AGE, YOUNGEST_AGE
from bot.portraits.worker import PortraitWorker
from storage import RESULT_STATES, Kind, Result, Storage


class ResultService:
    """Takes requests for results, and notes where they are shown."""

    def __init__(self, storage: Storage, worker: PortraitWorker) -> None:
        self._storage = storage
        self._worker = worker

    async def request_age(self, id_: int, age: float) -> list[Result] | None:
        """Send picture and film of another age: made from the kept latent, or sent again when made already."""
        return await self._request(id_, age, (Kind.STILL, Kind.FILM))

    async def request(self, id_: int, age: float, kind: Kind) -> list[Result] | None:
        """Send the card, the whole photo, or another result of this age."""
        return await self._request(id_, age, (kind,))

    async def send_again(self, id_: int, age: float) -> list[Result] | None:
        """Send once more what is missing of this age; None when all is known to be there."""
        results = await self._storage.results.of(id_)
        missing = [result.kind for result in results if result.age == age and result.missing]
        return await self._request(id_, age, missing) if missing else None

    async def record_message(self, id_: int, chat: int, message: int) -> None:
        """Note that this message shows a result, so that deleting the portrait takes it away."""
        await self._storage.messages.record(id_, chat, message)

    async def move_gallery(self, id_: int, chat: int, message: int) -> None:
        """Note that a gallery's message shows this portrait now, and no other any more."""
        await self._storage.messages.move_gallery(id_, chat, message)

    async def set_file_id(self, result: int, file_id: str | None) -> None:
        """Note under which id the messenger has a result; None when it has it no more."""
        await self._storage.results.set_file_id(result, file_id)

    async def _request(self, id_: int, age: float, kinds: Iterable[Kind]) -> list[Result] | None:
        portrait = await self._storage.portraits.get(id_)
        if portrait is None or portrait.state not in RESULT_STATES or not OLDEST_AGE <= age <= YOUNGEST_AGE:
            return None
        requested = await self._storage.results.request(id_, round(age, 2), kinds)
        self._worker.schedule(id_)
        return requested
