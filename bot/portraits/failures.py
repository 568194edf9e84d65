"""What becomes of a portrait when one of its steps fails."""

from collections.abc import Callable

from bot.portraits.engine_results import failure_of
from bot.portraits.errors import ChatClosed, ChatGone, FileGone
from bot.portraits.messenger import Alerts
from engine import PhotoError
from storage import RESULT_STATES, FailureReason, Notice, PhotoRole, Portrait, PortraitFailure, State, Storage


class FailureHandler:
    """Writes failures into rows; `schedule` is called with portraits that go on all the same."""

    def __init__(self, storage: Storage, alerts: Alerts, schedule: Callable[[int], None]) -> None:
        self._storage = storage
        self._alerts = alerts
        self._schedule = schedule

    async def fail(self, portrait: Portrait, error: Exception) -> None:
        """End the portrait with this error, or go on without what failed; alert the administrators to our defects."""
        failure = failure_of(error)
        if portrait.state is State.DONE:  # the portrait itself is fine; what was asked for later is not
            await self._drop_requests(portrait)
            await self._alerts.portrait_failed(portrait, str(failure))
            return
        failed_photo = PhotoRole(error.which) if isinstance(error, PhotoError) else PhotoRole.NONE
        fetching_baby = isinstance(error, FileGone) and portrait.state is State.BABY_RECEIVED
        if fetching_baby or failed_photo is PhotoRole.BABY_PHOTO:
            await self._ask_for_baby_photo_again(portrait, failure)
            return
        failed = await self._storage.portraits.advance(
            portrait.id, State.FAILED, self._storage.now(), failure=failure, failed_photo=failed_photo
        )
        if failed is None:
            return
        if not isinstance(error, PhotoError | FileGone):
            await self._alerts.portrait_failed(portrait, str(failure))

    async def continue_in_private(self, portrait: Portrait) -> bool:
        """Go on in the owner's private chat with results that a group takes no more; False when that cannot be."""
        person = await self._storage.people.get(portrait.owner)
        if portrait.state not in RESULT_STATES or person is None or not person.reachable or person.blocked:
            return False
        moved = await self._storage.portraits.move_to_owner(portrait.id, self._storage.now())
        if moved is None:
            return False
        await self._storage.results.note(moved.id, Notice.SENT_HERE, moved.age)
        self._schedule(moved.id)
        return True

    async def give_up_chat(self, portrait: Portrait, error: ChatGone) -> None:
        """Note that nobody is there to answer, or nobody we may answer, and stop."""
        await self._storage.portraits.advance(
            portrait.id, State.FAILED, self._storage.now(), failure=PortraitFailure(FailureReason.CHAT_GONE)
        )
        for result in await self._storage.results.unsent(portrait.id):
            await self._storage.results.not_sent(result)
        for notice, age in await self._storage.results.notices(portrait.id):
            await self._storage.results.delete_notice(portrait.id, notice, age)
        if isinstance(error, ChatClosed):
            return
        if portrait.in_group:
            for id_ in await self._storage.groups.leave(portrait.chat):
                self._schedule(id_)
        else:
            await self._storage.people.mark_unreachable(portrait.owner)

    async def _drop_requests(self, portrait: Portrait) -> None:
        for result in await self._storage.results.unsent(portrait.id):
            await self._storage.results.not_sent(result, Notice.NOT_MADE)
            self._schedule(portrait.id)  # the next step says it

    async def _ask_for_baby_photo_again(self, portrait: Portrait, failure: PortraitFailure) -> None:
        """The next step asks."""
        await self._storage.portraits.advance(
            portrait.id,
            State.AWAITING_BABY_PHOTO,
            self._storage.now(),
            failure=failure,
            failed_photo=PhotoRole.BABY_PHOTO,
            baby_photo=None,
            baby_file_id=None,
        )
