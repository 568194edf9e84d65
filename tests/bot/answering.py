"""Answers the bot's questions about a photo, for users in the tests."""

from abc import ABC, abstractmethod
from types import EllipsisType
from typing import Any

Json = dict[str, Any]

WITHOUT_BABY_PHOTO = "Go on without"  # the button


class Answering(ABC):
    """A user who answers the bot's questions in English."""

    async def answers(
        self,
        *,
        head: int = 0,
        breed: str = "",
        baby: int | EllipsisType | None = ...,
        chat: int | None = None,
        after: Json | None = None,
    ) -> None:
        """Answer the bot's questions in their order, each once it is asked; those not named here stay open.

        `head` counts from the left, from 1; `breed` is the label of a button; `baby` is the shade of a baby photo to
        send, or None to go on without one. `chat` is where the bot asks, if not in private; `after` a message that the
        questions come after.
        """
        labels = (f"No. {head}" if head else "", breed, WITHOUT_BABY_PHOTO if baby is None else "")
        for label in filter(None, labels):
            await self.press(await self.question(label, chat, after), label)
        if isinstance(baby, int):
            await self.question(WITHOUT_BABY_PHOTO, chat, after)
            await self.send_photo(baby, chat)

    async def press_more(self, film: Json, label: str) -> Json:
        """Open the menu below a film and press one of its buttons; return the bot's answer."""
        await self.press(film, "More")
        menu = await self.question("Back", film["chat"]["id"], {"message_id": film["message_id"] - 1})
        return await self.press(menu, label)

    @abstractmethod
    async def press(self, message: Json, label: str) -> Json:
        """Press the button of this label; return the bot's answer: `answered`, `text`, `show_alert`."""

    @abstractmethod
    async def question(self, label: str, chat: int | None, after: Json | None) -> Json:
        """Return the bot's message with a button of this label, once it is there."""

    @abstractmethod
    async def send_photo(self, shade: int, chat: int | None) -> None:
        """Send a photo that differs from those of other shades."""
