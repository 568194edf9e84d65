"""Buttons, and what a press of one says.

A press travels as ``verb:portrait:value`` in Telegram's 64 bytes of callback data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.portraits.age_range import OLDEST_AGE, YOUNGEST_EVER, ages_of, nearest_age
from bot.portraits.breed_names import breed_name
from bot.texts import LANGUAGES, Words
from storage import FailureReason, Kind, Pet, Portrait, State, Verdict, VerdictReason

OFFERED_KINDS = (
    *(Kind.STORY, Kind.STICKER, Kind.STRIP, Kind.CARD, Kind.LOOP, Kind.VIDEO_NOTE),
    *(Kind.WIPE, Kind.AGED_FILM, Kind.WHOLE),
)
"""What can be made of a result, in the order in which it is offered."""
VERDICT_SIGNS = {Verdict.LOVE: "😍", Verdict.FINE: "🙂", Verdict.BAD: "😬"}
ALL_HEADS = "all"  # instead of a head's index
_MAX_DIGITS = 18  # of a number in a button; more may not fit the 64 bits of a column


class Verb(StrEnum):
    """What a press asks for. Short, as every button carries it."""

    HEAD = "head"
    BREED = "breed"
    TYPE_BREED = "type"
    PET = "pet"
    SKIP = "skip"
    USE_ALBUM = "album"
    GROWN_UP = "grown"
    CANCEL = "cancel"
    ANYWAY = "anyway"
    RETRY = "retry"
    OTHER_BREED = "obreed"
    AGE = "age"
    VERDICT = "v"
    WHY = "why"
    MORE = "more"
    LESS = "less"
    CARD = "card"
    WHOLE = "whole"
    MAKE = "make"
    GO_ON = "goon"
    OTHER_PHOTO = "nextphoto"
    AGAIN = "again"
    NAME = "name"
    NO_NAME = "noname"
    DELETE = "del"
    DELETE_YES = "delyes"
    DELETE_NO = "delno"
    RESEND = "resend"
    PAGE = "page"
    FILM = "film"
    FORGET_PET = "nopet"
    FORGET_PET_YES = "nopetyes"
    LANGUAGE = "lang"
    FORGET_YES = "forget"
    FORGET_NO = "keep"


@dataclass(frozen=True, slots=True)
class Press:
    verb: Verb
    portrait: int = 0
    value: str = ""

    def pack(self) -> str:
        return f"{self.verb}:{self.portrait}:{self.value}"

    @classmethod
    def unpack(cls, data: str) -> Self | None:
        """Read callback data; None for what none of our keyboards says (any more)."""
        verb, _, rest = data.partition(":")
        portrait, _, value = rest.partition(":")
        try:
            return cls(Verb(verb), whole_number(portrait), value)
        except ValueError:
            return None


def whole_number(text: str) -> int:
    """Read a number from a button. Raises ValueError for one that none of ours has, and no column could hold."""
    if len(text) > _MAX_DIGITS or not (text.isascii() and text.isdecimal()):
        raise ValueError("not a number of ours")
    return int(text)


def age_number(text: str) -> float:
    """Read an age from a button. Raises ValueError for one that no portrait can have."""
    age = float(text)
    if not OLDEST_AGE <= age <= YOUNGEST_EVER:  # nor NaN
        raise ValueError("not an age of ours")
    return age


def _button(text: str, verb: Verb, portrait: int = 0, value: str = "") -> InlineKeyboardButton:
    return InlineKeyboardButton(text, callback_data=Press(verb, portrait, value).pack())


def _rows(buttons: Sequence[InlineKeyboardButton], width: int) -> list[list[InlineKeyboardButton]]:
    return [list(buttons[at : at + width]) for at in range(0, len(buttons), width)]


def _cancel(words: Words, portrait: Portrait) -> list[InlineKeyboardButton]:
    return [_button(words("button.cancel"), Verb.CANCEL, portrait.id)]


def head_keyboard(
    words: Words, portrait: Portrait, order: Sequence[int], all_: bool, album: bool
) -> InlineKeyboardMarkup:
    """One button per head, and one for `all_` of them; `order` has their indices from left to right."""
    numbers = [
        _button(words("button.nth", count=place), Verb.HEAD, portrait.id, str(index))
        for place, index in enumerate(order, start=1)
    ]
    label = words("button.both" if len(order) == 2 else "button.all_heads")
    everybody = [[_button(label, Verb.HEAD, portrait.id, ALL_HEADS)]] if all_ else []
    rows = [*_rows(numbers, 4), *everybody, *_other_photo(words, portrait, album), _cancel(words, portrait)]
    return InlineKeyboardMarkup(rows)


def go_on_keyboard(words: Words, portrait: Portrait, album: bool) -> InlineKeyboardMarkup:
    """Going on with a weak photo, or with another one of its album."""
    go_on = [_button(words("button.go_on"), Verb.GO_ON, portrait.id)]
    return InlineKeyboardMarkup([go_on, *_other_photo(words, portrait, album), _cancel(words, portrait)])


def _other_photo(words: Words, portrait: Portrait, album: bool) -> list[list[InlineKeyboardButton]]:
    return [[_button(words("button.next_photo"), Verb.OTHER_PHOTO, portrait.id)]] if album else []


def breed_keyboard(
    words: Words, portrait: Portrait, breeds: Iterable[str], pets: Iterable[Pet] = (), album: bool = False
) -> InlineKeyboardMarkup:
    """Known pets, then likely breeds, then typing the breed or not knowing it."""
    known = [_button(f"💛 {pet.name}", Verb.PET, portrait.id, str(pet.id)) for pet in pets]
    likely = [_button(breed_name(slug, words.language), Verb.BREED, portrait.id, slug) for slug in breeds]
    others = [
        _button(words("button.type_breed"), Verb.TYPE_BREED, portrait.id),
        _button(words("button.unknown_breed"), Verb.BREED, portrait.id),
    ]
    other_photo = _other_photo(words, portrait, album)
    return InlineKeyboardMarkup([*_rows(known, 2), *_rows(likely, 1), others, *other_photo, _cancel(words, portrait)])


def baby_keyboard(words: Words, portrait: Portrait, others: Mapping[int, int]) -> InlineKeyboardMarkup:
    """Answers to the question for a baby photo; of an album, the `others` are offered: messages by their numbers."""
    if others:
        alone = len(others) == 1
        photos = [
            _button(
                words("button.use_album") if alone else words("button.photo_nth", number=number),
                Verb.USE_ALBUM,
                portrait.id,
                str(message),
            )
            for number, message in others.items()
        ]
        ways = [*_rows(photos, 3), [_button(words("button.no_album"), Verb.SKIP, portrait.id)]]
    else:
        ways = [[_button(words("button.skip"), Verb.SKIP, portrait.id)]]
    grown = [_button(words("button.grown_up"), Verb.GROWN_UP, portrait.id)]
    last = _cancel(words, portrait)
    if portrait.breed is not None and (portrait.pet is None or portrait.again_of):
        last.insert(0, _button(words("button.type_breed"), Verb.OTHER_BREED, portrait.id))
    return InlineKeyboardMarkup([*ways, grown, *_other_photo(words, portrait, bool(others)), last])


def cancel_keyboard(words: Words, portrait: Portrait) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([_cancel(words, portrait)])


def failure_keyboard(words: Words, portrait: Portrait) -> InlineKeyboardMarkup | None:
    """Trying again if it can help, and deleting; None when no photo is kept."""
    if not portrait.photo:
        return None
    rows = [[_button(words("button.delete"), Verb.DELETE, portrait.id)]]
    if portrait.failure.reason in (FailureReason.NO_PET, FailureReason.NO_FACE):
        rows.insert(0, [_button(words("button.anyway"), Verb.ANYWAY, portrait.id)])
    elif not portrait.failed_photo:
        rows.insert(0, [_button(words("button.retry"), Verb.RETRY, portrait.id)])
    return InlineKeyboardMarkup(rows)


def result_keyboard(
    words: Words, portrait: Portrait, age: float, shareable: bool, verdict: Verdict | None
) -> InlineKeyboardMarkup:
    """The ages, the verdict, and the way to more; it is `shareable` if the bot has inline mode."""
    shown = nearest_age(portrait, age)
    ages = [
        _button(_marked(words(f"age.{word}"), one == shown), Verb.AGE, portrait.id, f"{one:.2f}")
        for word, one in ages_of(portrait)
    ]
    verdicts = [
        _button(_marked(VERDICT_SIGNS[one], one is verdict), Verb.VERDICT, portrait.id, f"{age:.2f} {one}")
        for one in Verdict
    ]
    more = [_button(words("button.more"), Verb.MORE, portrait.id, f"{age:.2f}")]
    if shareable:  # the owner chooses a chat, and then one of their results
        more.append(InlineKeyboardButton(words("button.share"), switch_inline_query=""))
    rows = [ages[:2], ages[2:], verdicts, more]
    if portrait.pet is None:
        rows.append([_button(words("button.name"), Verb.NAME, portrait.id)])
    return InlineKeyboardMarkup(rows)


def more_keyboard(words: Words, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
    """What else can be made of a result of this age, and done with its portrait."""
    shown = f"{age:.2f}"
    made = [_button(words(f"button.{kind}"), Verb.MAKE, portrait.id, f"{shown} {kind}") for kind in OFFERED_KINDS]
    rows = [
        *_rows(made, 2),
        [_button(words("button.again"), Verb.AGAIN, portrait.id)],
        [
            _button(words("button.back"), Verb.LESS, portrait.id, shown),
            _button(words("button.delete"), Verb.DELETE, portrait.id, shown),
        ],
    ]
    return InlineKeyboardMarkup(rows)


def _marked(label: str, is_it: bool) -> str:
    """The label of a choice, marked when it is the present one."""
    return f"• {label} •" if is_it else label


def why_keyboard(words: Words, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
    """Why a portrait of this age is bad."""
    reasons = [
        _button(words(f"button.why_{reason}"), Verb.WHY, portrait.id, f"{age:.2f} {reason}") for reason in VerdictReason
    ]
    return InlineKeyboardMarkup(_rows(reasons, 2))


def help_keyboard(words: Words, portrait: Portrait, age: float, reason: VerdictReason) -> InlineKeyboardMarkup | None:
    """What may help against this reason, apart from another photo: another age, or other answers."""
    if other := _better_age(portrait, nearest_age(portrait, age), reason):
        word, there = other
        return InlineKeyboardMarkup([[_button(words(f"age.{word}"), Verb.AGE, portrait.id, f"{there:.2f}")]])
    if reason in (VerdictReason.NOT_MINE, VerdictReason.NOT_YOUNG):
        return InlineKeyboardMarkup([[_button(words("button.again"), Verb.AGAIN, portrait.id)]])
    return None


def sticker_keyboard(words: Words, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
    add = _button(words("button.pack"), Verb.MAKE, portrait.id, f"{age:.2f} {Kind.PACK}")
    return InlineKeyboardMarkup([[add]])


def pack_keyboard(words: Words, name: str) -> InlineKeyboardMarkup:
    """Leads to the sticker set of this name."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(words("button.open_pack"), url=f"https://t.me/addstickers/{name}")]]
    )


def _better_age(portrait: Portrait, age: float, reason: VerdictReason) -> tuple[str, float] | None:
    """The next age that changes the eyes less, or is younger; None where there is none."""
    ages = ages_of(portrait)
    if reason is VerdictReason.EYES:
        return max((one for one in ages if 0 < abs(one[1]) < abs(age)), key=lambda one: abs(one[1]), default=None)
    if reason is VerdictReason.NOT_YOUNG:
        return min((one for one in ages if one[1] > age), key=lambda one: one[1], default=None)
    return None


def name_keyboard(words: Words, portrait: Portrait) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_button(words("button.not_now"), Verb.NO_NAME, portrait.id)]])


def resend_keyboard(words: Words, portrait: Portrait, age: float) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_button(words("button.retry"), Verb.RESEND, portrait.id, f"{age:.2f}")]])


def delete_keyboard(words: Words, portrait: Portrait, age: str) -> InlineKeyboardMarkup:
    """The question is asked below the results of one age; the answers say that all results are meant."""
    yes = words("button.delete_photo" if portrait.state is State.FAILED else "button.delete_yes")
    return InlineKeyboardMarkup(
        [
            [_button(yes, Verb.DELETE_YES, portrait.id, age)],
            [_button(words("button.delete_no"), Verb.DELETE_NO, portrait.id, age)],
        ]
    )


def language_keyboard(words: Words) -> InlineKeyboardMarkup:
    buttons = [_button(name, Verb.LANGUAGE, value=code) for code, name in LANGUAGES.items()]
    return InlineKeyboardMarkup([*_rows(buttons, 2), [_button(words("button.automatic"), Verb.LANGUAGE)]])


def forget_keyboard(words: Words) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [
            [_button(words("privacy.forget_yes"), Verb.FORGET_YES)],
            [_button(words("privacy.forget_no"), Verb.FORGET_NO)],
        ]
    )
