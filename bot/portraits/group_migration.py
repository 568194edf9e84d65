"""Groups that become supergroups: their portraits go on in the new chat."""

from collections.abc import Callable
from contextlib import suppress

from bot.portraits.errors import ChatGone, ChatMoved, MessengerUnavailable
from bot.portraits.messenger import Messenger
from bot.portraits.portrait_steps import PortraitSteps
from bot.portraits.running_portraits import RunningPortraits
from storage import Portrait, State, Storage


class GroupMigration:
    """`schedule` is called with portraits whose question has to be asked again."""

    def __init__(
        self,
        storage: Storage,
        messenger: Messenger,
        running: RunningPortraits,
        steps: PortraitSteps,
        schedule: Callable[[int], None],
    ) -> None:
        self._storage = storage
        self._messenger = messenger
        self._running = running
        self._steps = steps
        self._schedule = schedule

    async def move(self, old: int, new: int, except_for: int = 0) -> None:
        """Ask and show in the chat `new` what was asked and shown in `old`.

        `except_for` is a portrait whose own task does so.
        """
        for id_ in await self._storage.groups.move(old, new):
            portrait = await self._storage.portraits.get(id_)
            if portrait and portrait.state in (State.QUEUED, State.RUNNING):
                await self._show_again(portrait)
            elif id_ != except_for:
                self._schedule(id_)

    async def _show_again(self, portrait: Portrait) -> None:
        """Show in the new chat how far it is, and go on there."""
        await self._messenger.show_moved(portrait)
        now = await self._storage.portraits.get(portrait.id)
        if now is None or self._running.update(now):
            return
        # It ended just then, and nobody else knows of that message.
        if now.state in (State.DELIVERING, State.DONE):
            await self._messenger.remove_status(now)
        elif now.state in (State.FAILED, State.CANCELLED):
            with suppress(ChatGone, ChatMoved, MessengerUnavailable):  # it was said once
                await self._steps.say_how_it_ended(now)
