"""The product without Telegram: what an owner can do with a photo of a pet.

Every verb reads the portrait's row, changes it in one transaction and lets the workshop go on. A verb that does not
fit the row (a second press, an old button, a deleted row) changes nothing and returns None.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bot.portraits.age_range import OLDEST_AGE, YOUNGEST_AGE
from bot.portraits.breed_names import match_breed, told_breed
from bot.portraits.captions import named_breed
from bot.portraits.findings import Findings
from bot.portraits.limits import Limits, Over
from bot.portraits.messenger import Messenger
from bot.portraits.worker import PortraitWorker
from engine import BREEDS, EngineClient
from storage import (
    ASKING_STATES,
    NO_FAILURE,
    Deleted,
    Expecting,
    Kind,
    Photo,
    PhotoRole,
    Portrait,
    PortraitChanges,
    Result,
    State,
    Storage,
)

MAX_NAME_LETTERS = 24  # letters of a pet's name; what fits the card


# Owners see a result, and may press its buttons, a moment before its row says that all is sent.
RESULTS_VISIBLE = (State.DELIVERING, State.DONE)

_UNANSWERED = (State.RECEIVED, State.AWAITING_HEAD, State.AWAITING_BREED)
_SAME_PRESS_S = 600.0  # s; within this, "again" about an unanswered question is the same press, handed out twice


class PortraitService:
    def __init__(
        self, storage: Storage, engine: EngineClient, messenger: Messenger, worker: PortraitWorker, limits: Limits
    ) -> None:
        self.storage = storage
        self.engine = engine
        self.worker = worker
        self._messenger = messenger
        self._limits = limits

    # ---- a new photo

    async def over_limit(self, owner: int, chat: int) -> tuple[Over, int] | None:
        """Whose allowance for today is used up, and how large it was."""
        return await self._limits.over(owner, chat)

    async def receive(self, photo: Photo) -> Portrait:
        """Take a photo in; the same message twice is one portrait. A later photo of an album joins its first."""
        if photo.album and (first := await self._album(photo)):
            return first
        portrait, new = await self.storage.portraits.receive(photo, self.storage.now())
        if new:
            self.worker.schedule(portrait.id)
        return portrait

    async def _album(self, photo: Photo) -> Portrait | None:
        """The album's portrait, with this photo offered as its baby photo; None when the album begins with it."""
        portraits = self.storage.portraits
        siblings = await self.storage.lookup.of_album(photo.owner, photo.chat, photo.album or "")
        for sibling in siblings:
            if sibling.message == photo.message:
                return sibling
        waiting = [one for one in siblings if one.state in (State.RECEIVED, *ASKING_STATES)]
        if not waiting:
            return siblings[0] if any(one.state is not State.FAILED for one in siblings) else None
        first = waiting[0]
        if photo.breed and first.breed is None:  # the caption stands on any of the album's photos
            await self.take_breed(first.id, photo.breed, photo.name)
        if first.baby_file_id is None:
            changed = await portraits.change(first.id, self.storage.now(), baby_file_id=photo.file_id)
            if changed is None or changed.state is State.FAILED:
                return None  # just now: this one is the first good photo then
            if changed.state is State.AWAITING_BABY_PHOTO:
                self.worker.schedule(changed.id)  # the question becomes: is this one the baby photo?
        return first

    # ---- the owner's answers

    async def choose_head(self, id_: int, head: int) -> Portrait | None:
        """A breed that a caption told is asked about after all when the chosen pet is of the other species."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.AWAITING_HEAD:
            return None
        findings = Findings.from_json(portrait.recognition)
        if head >= len(findings.heads):
            return None
        species, breed = findings.of_head(head).species, portrait.breed
        if breed and BREEDS[breed].species != species:
            breed = None
        state = State.AWAITING_BREED if breed is None else State.AWAITING_BABY_PHOTO
        chosen: PortraitChanges = {"head": head, "species": species, "breed": breed}
        return self._schedule(await self.storage.portraits.advance(id_, state, self.storage.now(), **chosen))

    async def choose_breed(self, id_: int, breed: str, name: str = "") -> Portrait | None:
        """`breed` is a slug, or "" for an owner who does not know; `name` is the pet's, if it was told as well."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.AWAITING_BREED:
            return None
        said = _said(breed, name) | {"expected_text": Expecting.NOTHING}
        return self._schedule(
            await self.storage.portraits.advance(id_, State.AWAITING_BABY_PHOTO, self.storage.now(), **said)
        )

    async def take_breed(self, id_: int, breed: str, name: str = "") -> Portrait | None:
        """What was told without being asked for, in a caption; it counts until the question is answered."""
        portrait = await self.storage.portraits.get(id_)
        if portrait and portrait.state in (State.RECEIVED, State.AWAITING_HEAD):
            return await self.storage.portraits.change(id_, self.storage.now(), **_said(breed, name))
        return await self.choose_breed(id_, breed, name)

    async def choose_pet(self, id_: int, pet_id: int) -> Portrait | None:
        """Take breed, name and baby photo from a pet that the owner named earlier."""
        portrait, pet = await self.storage.portraits.get(id_), await self.storage.pets.get(pet_id)
        if portrait is None or pet is None or pet.owner != portrait.owner or portrait.state is not State.AWAITING_BREED:
            return None
        known: PortraitChanges = {"pet": pet.id, "name": pet.name, "breed": pet.breed, "baby_photo": pet.baby_photo}
        known["expected_text"] = Expecting.NOTHING
        if pet.baby_photo:
            return await self.worker.enqueue(id_, **known)
        return self._schedule(
            await self.storage.portraits.advance(id_, State.AWAITING_BABY_PHOTO, self.storage.now(), **known)
        )

    async def expect_breed(self, id_: int) -> Portrait | None:
        """The owner's next words are the breed."""
        return await self._expect(id_, Expecting.BREED, (State.AWAITING_BREED,))

    async def expect_name(self, id_: int) -> Portrait | None:
        """The owner's next words are the pet's name."""
        return await self._expect(id_, Expecting.NAME, RESULTS_VISIBLE)

    async def leave_name(self, owner: int, chat: int) -> bool:
        """Take the question for a name back, for somebody who did something else; False when none is open."""
        unnamed = await self.storage.lookup.latest(owner, chat, RESULTS_VISIBLE, expecting=Expecting.NAME)
        if unnamed is None:
            return False
        await self._asked(unnamed)
        return True

    async def _asked(self, portrait: Portrait) -> None:
        """The question for a name has served."""
        await self.storage.portraits.change(portrait.id, self.storage.now(), expected_text=Expecting.NOTHING)
        await self._messenger.finished(portrait)

    async def _expect(self, id_: int, what: Expecting, states: Iterable[State]) -> Portrait | None:
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state not in states:
            return None
        return await self.storage.portraits.change(id_, self.storage.now(), expected_text=what)

    async def type_breed(self, portrait: Portrait, text: str) -> tuple[Portrait | None, list[str]]:
        """Take the breed from what was typed: the portrait when it is clear, else the breeds it may have meant.

        Those of the species that was seen come first. The name of a pet that we know says it as well.
        """
        named = named_breed(text, portrait.language)
        for pet in await self.storage.pets.of_owner(portrait.owner):
            if not named and pet.name.casefold() == text.strip().casefold():
                return await self.choose_pet(portrait.id, pet.id), []
        if told := told_breed(text, portrait.species):
            return await self.choose_breed(portrait.id, told), [told]
        breeds = match_breed(text, portrait.language)
        return None, sorted(breeds, key=lambda breed: BREEDS[breed].species != portrait.species)

    async def put_breed_right(self, portrait: Portrait, text: str) -> Portrait | None:
        """Take another breed when one is clearly told after all; of a pet that we know it is known."""
        told = told_breed(text, portrait.species)
        if portrait.state is not State.AWAITING_BABY_PHOTO or portrait.pet is not None or told is None:
            return None
        changed = await self.storage.portraits.change(portrait.id, self.storage.now(), breed=told)
        return changed if changed and changed.state is State.AWAITING_BABY_PHOTO else None

    async def add_baby_photo(
        self, id_: int, file_id: str, message: int | None = None, album: str | None = None
    ) -> Portrait | None:
        """`message` is what it came with, and `album` what it came in, whose first good photo counts."""
        return self._schedule(
            await self.storage.portraits.advance(
                id_,
                State.BABY_RECEIVED,
                self.storage.now(),
                baby_file_id=file_id,
                baby_message=message,
                baby_album=album,
                failure=NO_FAILURE,
                failed_photo=PhotoRole.NONE,
            )
        )

    async def use_album_photo(self, id_: int) -> Portrait | None:
        """The album's second photo is the baby photo."""
        portrait = await self.storage.portraits.get(id_)
        return await self.add_baby_photo(id_, portrait.baby_file_id) if portrait and portrait.baby_file_id else None

    async def go_on(self, id_: int) -> Portrait | None:
        """Go on without a baby photo."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.AWAITING_BABY_PHOTO:
            return None
        return await self.worker.enqueue(id_, baby_file_id=None)

    async def grow_up(self, id_: int) -> Portrait | None:
        """It is a puppy or kitten in the photo: show it grown up."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.AWAITING_BABY_PHOTO:
            return None
        return await self.worker.enqueue(id_, baby_file_id=None, age=OLDEST_AGE)

    async def cancel(self, id_: int) -> Portrait | None:
        """Stop, wherever it is; None when it is done already."""
        cancelled = await self.storage.portraits.advance(
            id_, State.CANCELLED, self.storage.now(), expected_text=Expecting.NOTHING
        )
        if cancelled:
            self.worker.restart(id_)
        return cancelled

    async def cancel_all(self, owner: int, chat: int) -> int:
        """Cancel what this owner has open in this chat; gives how many."""
        open_ = [portrait for portrait in await self.storage.portraits.open_of(owner) if portrait.chat == chat]
        return len([one for one in open_ if await self.cancel(one.id)])

    # ---- after a failure

    async def try_anyway(self, id_: int) -> Portrait | None:
        """No pet or no face was recognised, but the owner sees one."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.FAILED or not portrait.photo:
            return None
        if portrait.breed is None:
            return self._schedule(
                await self.storage.portraits.advance(
                    id_,
                    State.AWAITING_BREED,
                    self.storage.now(),
                    anyway=True,
                    failure=NO_FAILURE,
                    failed_photo=PhotoRole.NONE,
                )
            )
        return await self.worker.enqueue(id_, anyway=True)

    async def retry(self, id_: int) -> Portrait | None:
        """Try the same once more after a failure of ours, or when a new day brought a new allowance."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state is not State.FAILED or not portrait.photo:
            return None
        if portrait.recognition is None:  # it failed before anything was asked
            return self._schedule(
                await self.storage.portraits.advance(id_, State.RECEIVED, self.storage.now(), failure=NO_FAILURE)
            )
        return await self.worker.enqueue(id_)

    # ---- with a finished portrait

    async def at_age(self, id_: int, age: float) -> list[Result] | None:
        """Picture and film at another age; made at once from the kept latent, or sent again when made already."""
        return await self._want(id_, age, (Kind.STILL, Kind.FILM))

    async def want(self, id_: int, age: float, kind: Kind) -> list[Result] | None:
        """The card, the whole photo, or another result at this age."""
        return await self._want(id_, age, (kind,))

    async def send_again(self, id_: int, age: float) -> list[Result] | None:
        """What was refused or may not have arrived of this age, once more; None when all is known to be there."""
        results = await self.storage.results.of(id_)
        missing = [result.kind for result in results if result.age == age and result.missing]
        return await self._want(id_, age, missing) if missing else None

    async def _want(self, id_: int, age: float, kinds: Iterable[Kind]) -> list[Result] | None:
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.state not in RESULTS_VISIBLE or not OLDEST_AGE <= age <= YOUNGEST_AGE:
            return None
        wanted = await self.storage.results.request(id_, round(age, 2), kinds)
        self.worker.schedule(id_)
        return wanted

    async def again(self, id_: int) -> Portrait | None:
        """The same photo once more, with other answers; a press that comes twice is one."""
        portrait = await self.storage.portraits.get(id_)
        if portrait is None or portrait.photo is None:
            return None
        for one in await self.storage.portraits.open_of(portrait.owner):
            if one.again_of == id_ and one.state in _UNANSWERED and self.storage.now() - one.created_at < _SAME_PRESS_S:
                return one
        fresh = await self.storage.portraits.again(portrait, self.storage.now())
        self.worker.schedule(fresh.id)
        return fresh

    async def name(self, portrait: Portrait, name: str) -> str | None:
        """Remember the pet's name; gives it as it is kept, None when it is longer than `MAX_NAME_LETTERS`."""
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME_LETTERS:
            return None
        await self.storage.pets.name(portrait.id, name, self.storage.now())
        await self._asked(portrait)
        return name

    async def name_asked(self, id_: int, message: int) -> None:
        """Note the message that asks for the pet's name; it goes when the question has served."""
        await self.storage.portraits.change(id_, self.storage.now(), status_message=message)

    async def record_message(self, id_: int, chat: int, message: int) -> None:
        """Note that this message shows a result, so that deleting the portrait takes it away."""
        await self.storage.messages.record(id_, chat, message)

    async def move_gallery(self, id_: int, chat: int, message: int) -> None:
        """Note that a gallery's message shows this portrait now, and no other any more."""
        await self.storage.messages.move_gallery(id_, chat, message)

    async def set_file_id(self, result: int, file_id: str | None) -> None:
        """Note under which id Telegram has a result; None when it has it no more."""
        await self.storage.results.set_file_id(result, file_id)

    async def delete(self, portrait: Portrait) -> bool:
        """Delete the portrait, its files, and its results from where they were sent, as often as they were.

        False when some of the messages have to stay.
        """
        return await self._delete([portrait], self.storage.portraits.delete, portrait.id)

    # ---- a person

    async def forget(self, owner: int) -> bool:
        """Delete everything about a person: rows, files, latents, messages, and what the engine keeps of the photos.

        False when some of the messages have to stay.
        """
        portraits = await self.storage.portraits.of_owner(owner)
        return await self._delete(portraits, self.storage.people.forget, owner)

    async def expire(self, days: float) -> int:
        """Delete what nobody touched for so long, in the engine too; gives how many portraits."""
        before = self.storage.now() - days * 86_400
        expired = await self.storage.portraits.older(before)
        await self._forget_in_engine(expired)
        await self.storage.expire(before)
        return len(expired)

    async def _delete(
        self, portraits: Sequence[Portrait], delete: Callable[[int], Awaitable[Deleted]], whose: int
    ) -> bool:
        """Take portraits out of the engine and the chats, and delete their rows; False when some messages have to stay.

        The rows go last: killed in between, we still know from them what stands in the chats.
        """
        await self._forget_in_engine(portraits)
        known = await self.storage.messages.of(*[portrait.id for portrait in portraits])
        gone = await self._messenger.erase(portraits, known)
        deleted = await delete(whose)
        for portrait in deleted.portraits:
            self.worker.restart(portrait.id)
        return await self._messenger.erase(deleted.portraits, _new(deleted.messages, known)) and gone

    async def _forget_in_engine(self, portraits: Iterable[Portrait]) -> None:
        digests = {one for portrait in portraits for one in (portrait.photo, portrait.baby_photo) if one}
        if digests:
            await self.engine.forget(sorted(digests))

    def _schedule(self, portrait: Portrait | None) -> Portrait | None:
        if portrait:
            self.worker.schedule(portrait.id)
        return portrait


def _said(breed: str, name: str) -> PortraitChanges:
    """What was told of the pet; "" is a name that was not."""
    return {"breed": breed, "name": name} if name else {"breed": breed}


def _new(messages: Mapping[int, Sequence[int]], known: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Those of the messages, by chat, that were not known before."""
    return {chat: [one for one in numbers if one not in known.get(chat, ())] for chat, numbers in messages.items()}
