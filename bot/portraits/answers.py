"""What owners answer to the questions about a portrait: which pet, which breed, a baby photo."""

from dataclasses import replace

from bot.portraits.age_range import OLDEST_AGE
from bot.portraits.breed_names import breed_name, match_breed, named_breed, told_breed
from bot.portraits.engine_results import failure_of
from bot.portraits.findings import Findings
from bot.portraits.question_order import next_question
from bot.portraits.worker import PortraitWorker
from engine import BREEDS, PhotoError
from storage import ASKING_STATES, NO_FAILURE, Expecting, PhotoRole, Portrait, PortraitChanges, State, Storage

AFRESH: PortraitChanges = {
    "photo": None,
    "recognition": None,
    "numbered": None,
    "head": None,
    "species": "",
    "pet": None,
    "anyway": False,
    "go_on": False,
    "expected_text": Expecting.NOTHING,
    "failure": NO_FAILURE,
    "failed_photo": PhotoRole.NONE,
}
"""What is not known any more when another photo takes the place of the first."""

_ANEW: PortraitChanges = {"status_message": None}  # the next status message is a new one, at the end of the chat


class AnswerService:
    """Takes answers; None where the portrait does not wait for one (any more)."""

    def __init__(self, storage: Storage, worker: PortraitWorker) -> None:
        self._storage = storage
        self._worker = worker

    async def choose_head(self, id_: int, head: int) -> Portrait | None:
        """Take the pet of this index; ask about the breed a caption told if that pet is of the other species."""
        portrait = await self._in_state(id_, State.AWAITING_HEAD)
        if portrait is None or head >= len(Findings.from_json(portrait.recognition).heads):
            return None
        return await self._go_on(portrait, head, {})

    async def choose_all(self, id_: int) -> Portrait | None:
        """Take all pets that can be made young, one after the other, from the left; a breed told is of none of them."""
        portrait = await self._in_state(id_, State.AWAITING_HEAD)
        usable = Findings.from_json(portrait.recognition).usable_from_left if portrait else []
        if portrait is None or len(usable) < 2:
            return None
        return await self._go_on(replace(portrait, breed=None, go_on=True), usable[0], {"together": id_, "go_on": True})

    async def go_on(self, id_: int) -> Portrait | None:
        """Take the photo although it is weak."""
        portrait = await self._in_state(id_, State.AWAITING_GO_ON)
        if portrait is None:
            return None
        return await self._go_on(replace(portrait, go_on=True), portrait.head or 0, {"go_on": True})

    async def _go_on(self, portrait: Portrait, head: int, changes: PortraitChanges) -> Portrait | None:
        """Ask what comes next about this head, or say that it cannot be used."""
        findings = Findings.from_json(portrait.recognition)
        species, breed = findings.of_head(head).species, portrait.breed
        if breed and species and BREEDS[breed].species != species:
            breed = None
        changes |= {"head": head, "species": species, "breed": breed}
        if portrait.numbered:  # only then there is a file to delete
            changes["numbered"] = None
        changes |= {"photo_quality": findings.look_of(head).quality_class}
        try:
            state = next_question(replace(portrait, head=head, breed=breed), findings, head_chosen=True)
        except PhotoError as error:
            state = State.FAILED
            changes |= {"failure": failure_of(error), "failed_photo": PhotoRole.PHOTO}
        return await self._advance(portrait.id, state, changes)

    async def take_other_photo(self, id_: int) -> Portrait | None:
        """Begin again with the next photo of the album, after the last one with the first."""
        portrait = await self._storage.portraits.get(id_)
        album = await self._storage.albums.of(id_)
        if portrait is None or portrait.state not in ASKING_STATES or len(album) < 2:
            return None
        at = next((place for place, one in enumerate(album) if one.message == portrait.album_message), -1)
        other = album[(at + 1) % len(album)]
        return await self._advance(
            id_,
            State.RECEIVED,
            AFRESH
            | {
                "file_id": other.file_id,
                "file_unique_id": other.file_unique_id,
                "album_message": other.message,
                "told_album": "",
                "go_on": True,  # the owner wants this one
                "breed": portrait.breed,
                "name": portrait.name,
            },
        )

    async def choose_breed(self, id_: int, breed: str, name: str = "", anew: bool = False) -> Portrait | None:
        """Take the breed, a slug, or "" for an owner who does not know; and the pet's name, if it was told as well.

        What is asked next goes into a message of its own if `anew`.
        """
        if await self._in_state(id_, State.AWAITING_BREED) is None or (breed and breed not in BREEDS):
            return None
        said = _said(breed, name) | {"expected_text": Expecting.NOTHING} | (_ANEW if anew else {})
        return await self._advance(id_, State.AWAITING_BABY_PHOTO, said)

    async def take_breed(self, id_: int, breed: str, name: str = "") -> Portrait | None:
        """Take what was told without being asked for, in a caption; it counts until the question is answered."""
        portrait = await self._storage.portraits.get(id_)
        if portrait and portrait.state in (State.RECEIVED, State.AWAITING_HEAD, State.AWAITING_GO_ON):
            return await self._storage.portraits.change(id_, self._storage.now(), **_said(breed, name))
        return await self.choose_breed(id_, breed, name)

    async def choose_pet(self, id_: int, pet_id: int, anew: bool = False) -> Portrait | None:
        """Take breed, name and baby photo from a pet that the owner named earlier; `anew` as in `choose_breed`."""
        portrait, pet = await self._in_state(id_, State.AWAITING_BREED), await self._storage.pets.get(pet_id)
        if portrait is None or pet is None or pet.owner != portrait.owner:
            return None
        known: PortraitChanges = {"pet": pet.id, "name": pet.name, "breed": pet.breed, "baby_photo": pet.baby_photo}
        known |= _ANEW if anew else {}
        if pet.baby_photo:
            return await self._worker.dispatcher.enqueue(id_, **known)
        return await self._advance(id_, State.AWAITING_BABY_PHOTO, known | {"expected_text": Expecting.NOTHING})

    async def ask_breed_again(self, id_: int) -> Portrait | None:
        """Ask for the breed once more: the one that was told is wrong."""
        if await self._in_state(id_, State.AWAITING_BABY_PHOTO) is None:
            return None
        return await self._advance(id_, State.AWAITING_BREED, {"breed": None})

    async def expect_breed(self, id_: int) -> Portrait | None:
        """Take the owner's next words for the breed."""
        if await self._in_state(id_, State.AWAITING_BREED) is None:
            return None
        return await self._storage.portraits.change(id_, self._storage.now(), expected_text=Expecting.BREED)

    async def type_breed(self, portrait: Portrait, text: str) -> tuple[Portrait | None, list[str]]:
        """Take the breed from what was typed: return the portrait when it is clear, else the breeds it may mean.

        Those of the species that was seen come first. The name of a known pet says the breed as well. What is asked
        next is asked anew, below the words.
        """
        named = named_breed(text, portrait.language)
        whole = text.strip().casefold()
        a_breed = named and whole in (breed_name(named, one).casefold() for one in (portrait.language, "en"))
        for pet in await self._storage.pets.of_owner(portrait.owner):
            if not a_breed and pet.name.casefold() == whole:
                return await self.choose_pet(portrait.id, pet.id, anew=True), []
        if told := told_breed(text, portrait.species):
            return await self.choose_breed(portrait.id, told, anew=True), [told]
        breeds = match_breed(text, portrait.language)
        return None, sorted(breeds, key=lambda breed: BREEDS[breed].species != portrait.species)

    async def correct_breed(self, portrait: Portrait, text: str) -> Portrait | None:
        """Take another breed when one is clearly told after all; that of a known pet is known."""
        told = told_breed(text, portrait.species)
        if portrait.state is not State.AWAITING_BABY_PHOTO or portrait.pet is not None or told is None:
            return None
        changed = await self._storage.portraits.change(portrait.id, self._storage.now(), breed=told)
        return changed if changed and changed.state is State.AWAITING_BABY_PHOTO else None

    async def add_baby_photo(
        self, id_: int, file_id: str, message: int | None = None, album: str | None = None
    ) -> Portrait | None:
        """Take a baby photo that came with this message; of an album, its first good photo counts.

        How it goes on is shown in a new message, below the photo.
        """
        photo: PortraitChanges = {"baby_file_id": file_id, "baby_message": message, "baby_album": album}
        photo |= _ANEW if message else {}
        return await self._advance(
            id_, State.BABY_RECEIVED, photo | {"failure": NO_FAILURE, "failed_photo": PhotoRole.NONE}
        )

    async def use_album_photo(self, id_: int, message: int) -> Portrait | None:
        """Take the album's photo in this message for the baby photo; 0 stands for the one that was kept earlier."""
        portrait = await self._storage.portraits.get(id_)
        for photo in await self._storage.albums.of(id_):
            if photo.message == message:
                return await self.add_baby_photo(id_, photo.file_id)
        kept = portrait.baby_file_id if portrait and not message else None
        return await self.add_baby_photo(id_, kept) if kept else None

    async def skip_baby_photo(self, id_: int) -> Portrait | None:
        """Go on without a baby photo."""
        if await self._in_state(id_, State.AWAITING_BABY_PHOTO) is None:
            return None
        return await self._worker.dispatcher.enqueue(id_, baby_file_id=None)

    async def show_grown_up(self, id_: int) -> Portrait | None:
        """It is a puppy or kitten in the photo: show it grown up."""
        if await self._in_state(id_, State.AWAITING_BABY_PHOTO) is None:
            return None
        return await self._worker.dispatcher.enqueue(id_, baby_file_id=None, age=OLDEST_AGE)

    async def _in_state(self, id_: int, state: State) -> Portrait | None:
        portrait = await self._storage.portraits.get(id_)
        return portrait if portrait and portrait.state is state else None

    async def _advance(self, id_: int, state: State, changes: PortraitChanges) -> Portrait | None:
        return self._worker.scheduled(await self._storage.portraits.advance(id_, state, self._storage.now(), **changes))


def _said(breed: str, name: str) -> PortraitChanges:
    """What was told of the pet; "" is a name that was not."""
    return {"breed": breed, "name": name} if name else {"breed": breed}
