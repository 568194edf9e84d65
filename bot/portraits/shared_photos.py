"""All pets of one photo: their portraits one after the other, and what shows them together."""

from collections.abc import Callable

from bot.portraits.findings import Findings
from storage import RESULT_STATES, Portrait, Storage


class SharedPhotos:
    """`schedule` is called with portraits that there is something to do about."""

    def __init__(self, storage: Storage, schedule: Callable[[int], None]) -> None:
        self._storage = storage
        self._schedule = schedule

    async def begin_next(self, portrait: Portrait) -> None:
        """Begin the portrait of the photo's next pet, if its owner wants all of them; once, however often called."""
        if portrait.together is None:
            return
        findings = Findings.from_json(portrait.recognition)
        known = {one.head for one in await self._storage.portraits.together(portrait)}
        left = [head for head in findings.usable_from_left if head not in known]
        if left:
            species = findings.of_head(left[0]).species
            fresh = await self._storage.portraits.of_other_pet(portrait, left[0], species, self._storage.now())
            if fresh:
                self._schedule(fresh.id)

    async def show_all(self, portrait: Portrait) -> None:
        """Have all pets shown together once the last of their portraits is made, or will not be."""
        if portrait.together is None:
            return
        made = [one for one in await self._storage.portraits.together(portrait) if one.state in RESULT_STATES]
        last = next((one for one in made if one.id == portrait.id), made[-1] if made else None)
        pets = len(Findings.from_json(portrait.recognition).usable_from_left)
        if last and await self._storage.results.request_shared(last, pets):
            self._schedule(last.id)
