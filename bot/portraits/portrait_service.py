"""The life of a portrait: receiving a photo, stopping, trying again.

The services are the product without Telegram: each of their methods reads the portrait's row, changes it in one
transaction and lets the worker go on. A method that does not fit the row (a second press, an old button, a deleted row)
changes nothing and returns None.
"""

from bot.portraits.answers import AFRESH, AnswerService
from bot.portraits.captions import Caption
from bot.portraits.findings import Findings
from bot.portraits.limits import Limits, Over
from bot.portraits.worker import PortraitWorker
from storage import (
    ASKING_STATES,
    NO_FAILURE,
    AlbumPhoto,
    Expecting,
    Photo,
    PhotoRole,
    Portrait,
    PortraitChanges,
    State,
    Storage,
)

_UNANSWERED = (State.RECEIVED, State.AWAITING_HEAD, State.AWAITING_GO_ON, State.AWAITING_BREED)
_SAME_PRESS_S = 600.0  # s; within this, "again" about an unanswered question is the same press, handed out twice


class PortraitService:
    """Begins portraits, and ends them before they are made."""

    def __init__(self, storage: Storage, worker: PortraitWorker, answers: AnswerService, limits: Limits) -> None:
        self._storage = storage
        self._worker = worker
        self._answers = answers
        self._limits = limits

    async def over_limit(self, owner: int, chat: int) -> tuple[Over, int] | None:
        """Return whose allowance for today is used up, and how large it was; None when there is some left."""
        return await self._limits.over(owner, chat)

    async def receive(self, photo: Photo) -> Portrait:
        """Return the photo's portrait: of a message received twice the same, of an album that of its first photo."""
        if photo.album and (first := await self._album(photo, photo.album)):
            return first
        portrait, new = await self._storage.portraits.receive(photo, self._storage.now())
        if photo.album:
            await self._add_to_album(portrait, photo)
        if new:
            self._worker.schedule(portrait.id)
        return portrait

    async def replace_photo(
        self, id_: int, file_id: str, unique_id: str, said: Caption, message: int | None = None
    ) -> Portrait | None:
        """Begin again with another photo, while questions about the first are open; `said` is its caption.

        `message` is the new photo's own, if it has one: what is asked next is asked below it.
        """
        other: PortraitChanges = {
            "file_id": file_id,
            "file_unique_id": unique_id,
            "breed": said.breed,
            "name": said.name,
        }
        if message is not None:
            other |= {"message": message, "album_message": message, "status_message": None}
        replaced = await self._storage.portraits.advance(id_, State.RECEIVED, self._storage.now(), **AFRESH | other)
        if replaced:
            self._worker.restart(id_)
        return replaced

    async def again(self, id_: int) -> Portrait | None:
        """Begin a portrait of the same photo, to be answered otherwise; a press that comes twice is one."""
        portrait = await self._storage.portraits.get(id_)
        if portrait is None or portrait.photo is None:
            return None
        for one in await self._storage.portraits.open_of(portrait.owner):
            if (
                one.again_of == id_
                and one.state in (*_UNANSWERED, State.AWAITING_BABY_PHOTO)
                and self._storage.now() - one.created_at < _SAME_PRESS_S
            ):
                return one
        several = len(Findings.from_json(portrait.recognition).heads) > 1  # another one may be meant, of another breed
        fresh = await self._storage.portraits.again(portrait, None if several else portrait.breed, self._storage.now())
        self._worker.schedule(fresh.id)
        return fresh

    async def cancel(self, id_: int) -> Portrait | None:
        """Stop, wherever it is; None when it is done already."""
        cancelled = await self._storage.portraits.advance(
            id_, State.CANCELLED, self._storage.now(), expected_text=Expecting.NOTHING
        )
        if cancelled:
            self._worker.restart(id_)
        return cancelled

    async def cancel_all(self, owner: int, chat: int | None = None) -> int:
        """Cancel what this owner has open, in this chat or everywhere; return how many portraits."""
        open_ = await self._storage.portraits.open_of(owner)
        return len([one for one in open_ if chat in (None, one.chat) and await self.cancel(one.id)])

    async def leave_group(self, group: int) -> None:
        """Stop what is open in a group that removed the bot; nothing of it is kept, in the engine neither."""
        for id_ in await self._storage.groups.leave(group):
            self._worker.restart(id_)

    async def try_anyway(self, id_: int) -> Portrait | None:
        """Go on although no pet or no face was recognised: the owner sees one."""
        portrait = await self._failed(id_)
        if portrait is None:
            return None
        if portrait.breed is None:
            return self._worker.scheduled(
                await self._storage.portraits.advance(
                    id_,
                    State.AWAITING_BREED,
                    self._storage.now(),
                    anyway=True,
                    failure=NO_FAILURE,
                    failed_photo=PhotoRole.NONE,
                )
            )
        return await self._worker.dispatcher.enqueue(id_, anyway=True)

    async def retry(self, id_: int) -> Portrait | None:
        """Try the same once more after a failure of ours, or when a new day brought a new allowance."""
        portrait = await self._failed(id_)
        if portrait is None:
            return None
        if portrait.recognition is None:  # it failed before anything was asked
            return self._worker.scheduled(
                await self._storage.portraits.advance(id_, State.RECEIVED, self._storage.now(), failure=NO_FAILURE)
            )
        return await self._worker.dispatcher.enqueue(id_)

    async def _failed(self, id_: int) -> Portrait | None:
        """The portrait if it failed, and its photo is kept."""
        portrait = await self._storage.portraits.get(id_)
        return portrait if portrait and portrait.state is State.FAILED and portrait.photo else None

    async def _album(self, photo: Photo, album: str) -> Portrait | None:
        """The album's portrait, which may take this photo, too; None when the album begins with it."""
        siblings = await self._storage.lookup.of_album(photo.owner, photo.chat, album)
        for sibling in siblings:
            if sibling.message == photo.message:
                return sibling
        waiting = [one for one in siblings if one.state in (State.RECEIVED, *ASKING_STATES)]
        if not waiting:
            return siblings[0] if any(one.state is not State.FAILED for one in siblings) else None
        first = waiting[0]
        if photo.breed and first.breed is None:  # the caption stands on any of the album's photos
            await self._answers.take_breed(first.id, photo.breed, photo.name)
        await self._add_to_album(first, photo)
        changed = await self._storage.portraits.get(first.id)
        if changed is None or changed.state is State.FAILED:
            return None  # just now: this one is the first good photo then
        if changed.state in _UNANSWERED and changed.state in ASKING_STATES and not changed.go_on:
            # It came late, and may be the best.
            afresh = AFRESH | {"album_message": None, "told_album": ""}
            await self._storage.portraits.advance(changed.id, State.RECEIVED, self._storage.now(), **afresh)
            self._worker.restart(changed.id)
        elif changed.state in ASKING_STATES:
            self._worker.schedule(changed.id)  # now there is another one that may be the baby photo
        return first

    async def _add_to_album(self, portrait: Portrait, photo: Photo) -> None:
        now = self._storage.now()
        await self._storage.albums.add(portrait.id, AlbumPhoto(photo.message, photo.file_id, photo.file_unique_id, now))
