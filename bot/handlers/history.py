"""/history: everything that was made for its owner, page by page, without an upload of what Telegram has."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar

from telegram import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Message, Update
from telegram.error import BadRequest

from bot.context import Context, answer, edit, insist, owner_of, reply
from bot.errors import refuses_media, unchanged
from bot.keyboards import Press, Verb
from bot.texts import Words
from bot.views import caption, title
from bot.voice import file_id_of
from storage import Kind, Pet, Portrait, Result

GALLERY = "g"  # before a place, where another value could stand
_PETS = 4  # shown as filters

_Sent = TypeVar("_Sent", Message, Message | bool)  # what an edit gives may be no message


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
    owner, message = owner_of(update), update.effective_message
    page = await _page(context, owner, Place()) if owner else None
    if page is None or message is None:
        await reply(update, context.words("history.empty"))
        return
    under, keyboard = _caption(context.words, page), _keyboard(context.words, page)

    async def send(content: str | bytes) -> Message:
        return await insist(
            lambda: message.reply_photo(content, caption=under, reply_markup=keyboard, filename="throwback.jpg")
        )

    shown = await _bring(context, page.still, send)
    await context.storage.portraits.turned_to(page.portrait.id, shown.chat_id, shown.message_id)


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
    await _show(query, context, page)
    await answer(update)


async def turn_away(update: Update, context: Context, portrait: Portrait, value: str) -> bool:
    """The page that takes the place of this portrait, which is about to be deleted; False when it is the last one."""
    query = update.callback_query
    if query is None:
        return False
    page = await _page(context, query.from_user.id, Place.unpack(value), without=portrait.id)
    page = page or await _page(context, query.from_user.id, Place(), without=portrait.id)  # the last one of this pet
    if page is None:
        return False
    await _show(query, context, page)
    return True


async def film(update: Update, context: Context, portrait: Portrait, age: float) -> object:
    """The film of a page, where the gallery is: not everybody in the group of the portrait asked for it."""
    message = update.effective_message
    if message is None or message.chat.id == portrait.chat:
        return await context.studio.want(portrait.id, age, Kind.FILM)
    results = await context.storage.portraits.results(portrait.id)
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
            rate_limit_args=3,
        )

    shown = await _bring(context, made, send)
    await context.storage.portraits.shown(portrait.id, message.chat.id, shown.message_id)
    return shown


async def ask_to_forget(update: Update, context: Context, value: str) -> None:
    """Whether the pet of this place is to be forgotten."""
    query, place = update.callback_query, Place.unpack(value)
    pet = await context.storage.people.pet(place.pet)
    if query is None or pet is None or pet.owner != query.from_user.id:
        await answer(update, context.words("error.too_late"))
        return
    yes = Press(Verb.FORGET_PET_YES, value=str(pet.id)).pack()
    rows = [
        [InlineKeyboardButton(context.words("button.forget_pet_yes", name=pet.name), callback_data=yes)],
        [_turn(context.words("button.delete_no"), place)],
    ]
    await edit(query.edit_message_reply_markup(InlineKeyboardMarkup(rows)))
    await answer(update)


async def forget_pet(update: Update, context: Context, value: str) -> None:
    """The pet's name, breed and baby photo are kept no longer; its pictures stay."""
    query = update.callback_query
    if query is None:
        return
    await context.storage.people.delete_pet(query.from_user.id, int(value))
    await answer(update, context.words("history.pet_forgotten"))
    if page := await _page(context, query.from_user.id, Place()):
        await _show(query, context, page)


async def _show(query: CallbackQuery, context: Context, page: Page) -> None:
    under, keyboard = _caption(context.words, page), _keyboard(context.words, page)

    async def show(content: str | bytes) -> Message | bool:
        media = InputMediaPhoto(content, caption=under, filename="throwback.jpg")
        return await query.edit_message_media(media, reply_markup=keyboard)

    await edit(_bring(context, page.still, show))
    if query.message:
        await context.storage.portraits.turned_to(page.portrait.id, query.message.chat.id, query.message.message_id)


async def _bring(context: Context, result: Result, send: Callable[[str | bytes], Awaitable[_Sent]]) -> _Sent:
    """Send or show a result by what Telegram has of it, else from the disk: a file_id is no promise for ever."""
    if result.file_id:
        try:
            return await send(result.file_id)
        except BadRequest as error:
            if unchanged(error) or refuses_media(error):
                raise
    sent = await send(await context.storage.media.read(result.digest or ""))
    if isinstance(sent, Message):
        await context.storage.portraits.renew(result.id, file_id_of(sent))
    return sent


async def _page(context: Context, owner: int, place: Place, without: int = 0) -> Page | None:
    """The page at this place, or the nearest one when there are fewer by now; `without` is a portrait to leave out."""
    shown = []
    for portrait in await context.storage.portraits.history(owner, place.pet or None):
        if portrait.id == without:
            continue
        results = await context.storage.portraits.results(portrait.id)
        still = next((one for one in results if one.kind is Kind.STILL and one.digest), None)
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
    forget = [
        InlineKeyboardButton(
            words("button.forget_pet", name=pet.name), callback_data=Press(Verb.FORGET_PET, value=place.pack()).pack()
        )
        for pet in page.pets
        if pet.id == place.pet
    ]
    return InlineKeyboardMarkup([row for row in (turning, deeds, pets, forget) if row])


def _turn(label: str, place: Place) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=Press(Verb.PAGE, value=place.pack()).pack())
