"""/history: everything that was made for its owner, page by page, without a single upload."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Update
from telegram.error import BadRequest

from bot.context import Context, answer, owner_of, reply
from bot.errors import unchanged
from bot.keyboards import Press, Verb
from bot.texts import Words
from bot.views import title
from storage import Kind, Pet, Portrait, Result

GALLERY = "g"  # before a place, where another value could stand
_PETS = 4  # shown as filters


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in their gallery; travels in its buttons."""

    index: int = 0  # 0 is the newest
    pet: int = 0  # 0 for all

    def pack(self) -> str:
        return f"{self.index}.{self.pet}"

    @classmethod
    def unpack(cls, text: str) -> Self:
        """Raises ValueError for what no button of ours says."""
        index, _, pet = text.partition(".")
        return cls(int(index), int(pet))


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of the gallery."""

    portrait: Portrait
    still: Result
    place: Place
    count: int
    pets: list[Pet]


async def history(update: Update, context: Context) -> None:
    owner = owner_of(update)
    page = await _page(context, owner, Place()) if owner else None
    if page is None or update.effective_message is None:
        await reply(update, context.words("history.empty"))
        return
    await update.effective_message.reply_photo(
        page.still.file_id or "", caption=_caption(context.words, page), reply_markup=_keyboard(context.words, page)
    )


async def turn(update: Update, context: Context, value: str) -> None:
    """Another page, shown in the same message."""
    query = update.callback_query
    if query is None:
        return
    try:
        page = await _page(context, query.from_user.id, Place.unpack(value))
    except ValueError:
        page = None
    if page is None:
        await answer(update, context.words("history.end"), alert=True)
        return
    media = InputMediaPhoto(page.still.file_id or "", caption=_caption(context.words, page))
    try:
        await query.edit_message_media(media, reply_markup=_keyboard(context.words, page))
    except BadRequest as error:
        if not unchanged(error):
            raise
    await answer(update)


async def _page(context: Context, owner: int, place: Place) -> Page | None:
    """The page at this place, or the nearest one when there are fewer by now."""
    shown = []
    for portrait in await context.storage.portraits.history(owner, place.pet or None):
        results = await context.storage.portraits.results(portrait.id)
        still = next((one for one in results if one.kind is Kind.STILL and one.file_id), None)
        if still:
            shown.append((portrait, still))
    if not shown:
        return None
    index = min(max(place.index, 0), len(shown) - 1)
    pets = await context.storage.people.pets(owner)
    return Page(*shown[index], Place(index, place.pet), len(shown), pets[:_PETS])


def _caption(words: Words, page: Page) -> str:
    day = datetime.fromtimestamp(page.portrait.created_at, UTC).date()
    heading = words("history.caption", title=title(words, page.portrait), date=words.date(day))
    return f"{heading}\n{words('history.count', number=page.place.index + 1, count=page.count)}"


def _keyboard(words: Words, page: Page) -> InlineKeyboardMarkup:
    place, portrait = page.place, page.portrait
    turning = []
    if place.index > 0:
        turning.append(_turn(words("button.previous"), Place(place.index - 1, place.pet)))
    if place.index < page.count - 1:
        turning.append(_turn(words("button.next"), Place(place.index + 1, place.pet)))
    film = Press(Verb.FILM, portrait.id, f"{portrait.age:.2f}")
    delete = Press(Verb.DELETE, portrait.id, GALLERY + place.pack())
    deeds = [
        InlineKeyboardButton(words("button.film"), callback_data=film.pack()),
        InlineKeyboardButton(words("button.delete"), callback_data=delete.pack()),
    ]
    pets = [_turn(("✓ " if pet.id == place.pet else "") + pet.name, Place(0, pet.id)) for pet in page.pets]
    if place.pet:
        pets.append(_turn(words("button.all_pets"), Place()))
    return InlineKeyboardMarkup([row for row in (turning, deeds, pets) if row])


def _turn(label: str, place: Place) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=Press(Verb.PAGE, value=place.pack()).pack())
