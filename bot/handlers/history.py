"""/history: an owner's portraits, page by page, without uploading what Telegram has; and their known pets."""

from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self, TypeVar

from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Message, Update
from telegram.error import BadRequest

from bot.context import Context, answer, edit, owner_of
from bot.messaging.errors import Meaning, meaning_of, unchanged
from bot.messaging.keyboards import Press, Verb, whole_number
from bot.messaging.telegram_calls import file_id_of
from bot.messaging.views import MessageView, caption
from bot.portraits.titles import portrait_title
from bot.texts import Words
from storage import Kind, Pet, Portrait, Result

_Rows = list[list[InlineKeyboardButton]]

GALLERY_PREFIX = "g"  # marks a button's value as a `Place`, where an age could stand
_MAX_PET_FILTERS = 4  # pets offered below a picture; more would push the other buttons out of sight
_PETS_PER_PAGE = 6  # rows in one part of the list of all pets; what a phone shows at once

_Sent = TypeVar("_Sent", Message, Message | bool)  # an edit may return no message


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in their gallery; its buttons carry it."""

    index: int = 0  # 0 is the newest
    pet: int = 0  # 0 for all
    listed: int | None = None  # pets before those in sight in the list of all pets; None while it is closed

    def pack(self) -> str:
        return ".".join(str(part) for part in (self.index, self.pet, self.listed) if part is not None)

    @classmethod
    def unpack(cls, text: str) -> Self:
        """Read a button's value. Raises ValueError for what none of our buttons says."""
        index, pet, *listed = (whole_number(part) for part in text.split("."))
        return cls(index, pet, listed[0] if listed else None)


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of the gallery."""

    portrait: Portrait
    still: Result
    place: Place
    count: int
    pets: Sequence[Pet]
    pictured: Set[int]  # ids of the pets that have pictures


async def history(update: Update, context: Context) -> None:
    owner, message = owner_of(update), update.effective_message
    if owner is None or message is None:
        return
    page = await _page(context, owner, Place())
    if page is None:
        left = await _without_pictures(context, owner, Place())
        await context.reply(update, left.text, reply_markup=left.keyboard)
        return
    under, keyboard = _caption(context.words, page), _keyboard(context.words, page)

    async def send(content: str | bytes) -> Message:
        return await context.insist(
            lambda: message.reply_photo(content, caption=under, reply_markup=keyboard, filename="throwback.jpg")
        )

    shown = await _send_or_show(context, page.still, send)
    await context.services.results.move_gallery(page.portrait.id, shown.chat_id, shown.message_id)


async def turn(query: CallbackQuery, context: Context, value: str) -> None:
    """Show another page in the same message."""
    place = Place.unpack(value)
    page = await _page(context, query.from_user.id, place)
    ended = page is None and place.listed is None
    if ended:
        place = Place()  # nothing is left of this pet, but there may be of others
        page = await _page(context, query.from_user.id, place)
    await _show(query, context, page, place)
    await answer(query, context.words("history.end") if ended else "", alert=ended)


async def turn_away(query: CallbackQuery, context: Context, portrait: Portrait, value: str) -> bool:
    """Show the page that replaces this portrait, which is about to be deleted; False when it is the last one."""
    page = await _page(context, query.from_user.id, Place.unpack(value), without=portrait.id)
    page = page or await _page(context, query.from_user.id, Place(), without=portrait.id)  # the last one of this pet
    if page is None:
        return False
    await _show(query, context, page, page.place)
    return True


async def film(query: CallbackQuery, context: Context, portrait: Portrait, age: float) -> object:
    """Send the film of a page to where the gallery is: not everybody in the portrait's group asked for it."""
    message = query.message
    if message is None or message.chat.id == portrait.chat:
        return await context.services.results.request(portrait.id, age, Kind.FILM, query.id)
    results = await context.storage.results.of(portrait.id)
    made = next((one for one in results if one.kind is Kind.FILM and one.age == age and one.digest), None)
    if made is None:
        return None
    under = caption(context.words, portrait, Kind.STILL, age)

    async def send(content: str | bytes) -> Message:
        return await context.bot.send_video(
            message.chat.id,
            content,
            filename="throwback.mp4",
            caption=under,
            width=made.width,
            height=made.height,
            duration=round(made.duration_s),
            supports_streaming=True,
        )

    # Killed from here on, we do not send it twice: whoever does not get it presses again.
    await context.services.results.note_press_served(context.update_id)
    shown = await _send_or_show(context, made, send)
    await context.services.results.record_message(portrait.id, message.chat.id, shown.message_id)
    return shown


async def ask_to_forget(query: CallbackQuery, context: Context, value: str) -> None:
    """Ask whether the pet of this place is to be forgotten."""
    place = Place.unpack(value)
    pet = await context.storage.pets.get(place.pet)
    if pet is None or pet.owner != query.from_user.id:
        await answer(query, context.words("error.too_late"))
        return
    yes = Press(Verb.FORGET_PET_YES, value=place.pack()).pack()
    back = place if place.listed is None else replace(place, pet=0)
    rows = [
        [InlineKeyboardButton(context.words("button.forget_pet_yes", name=pet.name), callback_data=yes)],
        [_turn(context.words("button.delete_no"), back)],
    ]
    await edit(query.edit_message_reply_markup(InlineKeyboardMarkup(rows)))
    await answer(query)


async def forget_pet(query: CallbackQuery, context: Context, value: str) -> None:
    """Delete the pet's name, breed and baby photo; its pictures stay."""
    place = Place.unpack(value)
    await context.services.accounts.forget_pet(query.from_user.id, place.pet)
    await answer(query, context.words("history.pet_forgotten"))
    place = Place(listed=place.listed)
    await _show(query, context, await _page(context, query.from_user.id, place), place)


async def _show(query: CallbackQuery, context: Context, page: Page | None, place: Place) -> None:
    """Show the page in the buttons' message; without a page, the pets that are still known."""
    if page is None:
        left = await _without_pictures(context, query.from_user.id, place)
        try:
            await edit(query.edit_message_text(left.text, reply_markup=left.keyboard))
        except BadRequest as error:
            if meaning_of(error) is not Meaning.NO_TEXT:
                raise
            await edit(query.edit_message_reply_markup(left.keyboard))  # a picture: it was deleted here
        return
    under, keyboard = _caption(context.words, page), _keyboard(context.words, page)

    async def show(content: str | bytes) -> Message | bool:
        media = InputMediaPhoto(content, caption=under, filename="throwback.jpg")
        return await query.edit_message_media(media, reply_markup=keyboard)

    await edit(_send_or_show(context, page.still, show))
    if query.message:
        await context.services.results.move_gallery(page.portrait.id, query.message.chat.id, query.message.message_id)


async def _send_or_show(context: Context, result: Result, send: Callable[[str | bytes], Awaitable[_Sent]]) -> _Sent:
    """Send or show a result by its file_id, or from the disk: Telegram does not keep a file_id valid for ever."""
    if result.file_id:
        try:
            return await send(result.file_id)
        except BadRequest as error:
            if unchanged(error) or meaning_of(error) is Meaning.MEDIA_REFUSED:
                raise
    sent = await send(await context.storage.media.read(result.digest or ""))
    if isinstance(sent, Message):
        await context.services.results.set_file_id(result.id, file_id_of(sent))
    return sent


async def _page(context: Context, owner: int, place: Place, without: int = 0) -> Page | None:
    """Return the page at this place, or the nearest one left; `without` is a portrait to leave out."""
    shown = []
    for portrait in await context.storage.lookup.with_results(owner):
        if portrait.id == without:
            continue
        results = await context.storage.results.of(portrait.id)
        stills = [one for one in results if one.kind is Kind.STILL and one.digest]
        still = max(stills, key=lambda one: one.message or 0, default=None)  # the one that its chat shows
        if still:
            shown.append((portrait, still))
    pictured = {portrait.pet for portrait, _ in shown if portrait.pet}
    of_pet = [one for one in shown if place.pet in (0, one[0].pet)]
    if not of_pet:
        return None
    place = replace(place, index=min(max(place.index, 0), len(of_pet) - 1))
    return Page(*of_pet[place.index], place, len(of_pet), await context.storage.pets.of_owner(owner), pictured)


async def _without_pictures(context: Context, owner: int, place: Place) -> MessageView:
    """Return what /history says when there are no pictures (any more): pets are remembered longer."""
    pets = await context.storage.pets.of_owner(owner)
    if not pets:
        return MessageView(context.words("history.empty"))
    return MessageView(
        context.words("history.pets"), InlineKeyboardMarkup(_list(context.words, pets, place.listed or 0))
    )


def _caption(words: Words, page: Page) -> str:
    day = datetime.fromtimestamp(page.portrait.created_at, UTC).date()
    heading = words("history.caption", title=portrait_title(words, page.portrait), date=words.date(day))
    return f"{heading}\n{words('history.count', number=page.place.index + 1, count=page.count)}"


def _keyboard(words: Words, page: Page) -> InlineKeyboardMarkup:
    place, portrait = page.place, page.portrait
    if place.listed is not None and page.pets:
        rows = _list(words, page.pets, place.listed, page.pictured)
        return InlineKeyboardMarkup([*rows, [_turn(words("button.back"), Place())]])
    turning = []
    if place.index > 0:
        turning.append(_turn(words("button.previous"), Place(place.index - 1, place.pet)))
    if place.index < page.count - 1:
        turning.append(_turn(words("button.next"), Place(place.index + 1, place.pet)))
    film = Press(Verb.FILM, portrait.id, f"{page.still.age:.2f}")
    delete = Press(Verb.DELETE, portrait.id, GALLERY_PREFIX + place.pack())
    actions = [
        InlineKeyboardButton(words("button.film"), callback_data=film.pack()),
        InlineKeyboardButton(words("button.delete"), callback_data=delete.pack()),
    ]
    filters = [pet for pet in page.pets if pet.id in page.pictured][:_MAX_PET_FILTERS]
    pets = [_turn(("✓ " if pet.id == place.pet else "") + pet.name, Place(0, pet.id)) for pet in filters]
    if place.pet:
        pets.append(_turn(words("button.all_pets"), Place()))
    forget = [_forget(words, pet, place) for pet in page.pets if pet.id == place.pet]
    more = [_turn(words("button.more_pets"), Place(listed=0))] if len(filters) < len(page.pets) else []
    return InlineKeyboardMarkup([row for row in (turning, actions, pets, forget, more) if row])


def _list(words: Words, pets: Sequence[Pet], start: int, pictured: Set[int] = frozenset()) -> _Rows:
    """Return rows of buttons for the pets from this one on; each leads to its pictures and can be forgotten."""
    start = min(start, (len(pets) - 1) // _PETS_PER_PAGE * _PETS_PER_PAGE)
    rows = [
        [
            *([_turn(pet.name, Place(0, pet.id))] if pet.id in pictured else []),
            _forget(words, pet, Place(0, pet.id, start)),
        ]
        for pet in pets[start : start + _PETS_PER_PAGE]
    ]
    turning = []
    if start > 0:
        turning.append(_turn(words("button.previous"), Place(listed=start - _PETS_PER_PAGE)))
    if start + _PETS_PER_PAGE < len(pets):
        turning.append(_turn(words("button.next"), Place(listed=start + _PETS_PER_PAGE)))
    return [*rows, turning] if turning else rows


def _forget(words: Words, pet: Pet, place: Place) -> InlineKeyboardButton:
    press = Press(Verb.FORGET_PET, value=place.pack())
    return InlineKeyboardButton(words("button.forget_pet", name=pet.name), callback_data=press.pack())


def _turn(label: str, place: Place) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=Press(Verb.PAGE, value=place.pack()).pack())
