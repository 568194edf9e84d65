"""What the engine is asked for and answers, as portraits keep it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import PackageNotFoundError, version

from bot.portraits.age_range import AGE_WORDS
from bot.portraits.breed_names import breed_name, known_breeds
from bot.portraits.errors import FileGone
from bot.portraits.titles import portrait_title
from bot.texts import Words, words_for
from engine import CardText, EngineFault, ExportText, Film, NamedAge, OperatorError, PhotoError
from storage import FailureReason, Kind, Made, Portrait, PortraitFailure

try:
    RELEASE = version("throwback")
except PackageNotFoundError:  # run from its sources
    RELEASE = ""

FILE_SUFFIXES = dict.fromkeys(Kind, "jpg") | dict.fromkeys((Kind.STICKER, Kind.PACK), "webp")
FILE_SUFFIXES |= dict.fromkeys((Kind.FILM, Kind.STORY, Kind.WIPE, Kind.VIDEO_NOTE, Kind.LOOP, Kind.AGED_FILM), "mp4")


def card_text(portrait: Portrait, age: float) -> CardText:
    """Return what the card of this age says, in the portrait's language."""
    words = words_for(portrait.language)
    otherwise = portrait_title(words, replace(portrait, name=""))
    return card_words(words, portrait_title(words, portrait), age, otherwise)


def card_words(words: Words, title: str, age: float, otherwise: str = "") -> CardText:
    """Return what the card of this age says below this title."""
    # Of the two the younger one is today's then.
    then, now = ("card.then", "card.now") if age >= 0 else ("card.now", "card.grown")
    footer = words("card.footer", date=words.date(date.today()))
    return CardText(title, words(then), words(now), footer, otherwise)


def export_text(portrait: Portrait, age: float) -> ExportText:
    """Return what is written on a story and the like of this age, in the portrait's language."""
    words = words_for(portrait.language)
    known = known_breeds([portrait.breed or ""]) if portrait.name else []
    return export_words(words, card_text(portrait, age), breed_name(known[0], words.language) if known else "")


def export_words(words: Words, card: CardText, subtitle: str) -> ExportText:
    """Return what is written on a story and the like: what the card says, the subtitle, and ages."""
    ages = {named: words(f"age.{AGE_WORDS[named]}") for named in NamedAge}
    dates = {NamedAge.TODAY: words.date(date.today())}
    return ExportText(card.title, subtitle, card.then, card.now, card.footer, ages, dates)


def all_text(pets: Sequence[Portrait], age: float) -> CardText:
    """Return what the one card of all these pets says."""
    words = words_for(pets[0].language)
    titles = list(dict.fromkeys(portrait_title(words, pet) for pet in pets))
    return replace(card_text(pets[0], age), title=" & ".join(titles))


def made_results(age: float, still: bytes, whole: bytes | None, card: bytes | None, film: Film | None) -> list[Made]:
    """Return the engine's answer as results; the still and the film are sent, the others wait to be asked for."""
    made = [Made(Kind.STILL, age, still)]
    if whole is not None:
        made.append(Made(Kind.WHOLE, age, whole, wanted=False))
    if card is not None:
        made.append(Made(Kind.CARD, age, card, wanted=False))
    if film is not None:
        made.append(Made(Kind.FILM, age, film.mp4, True, film.thumbnail, film.width, film.height, film.duration_s))
    return made


def failure_of(error: Exception) -> PortraitFailure:
    """Return what the row remembers: a photo's reason, else the type of the error, never its words."""
    if isinstance(error, PhotoError):
        return PortraitFailure(FailureReason(error.reason))
    if isinstance(error, FileGone):
        return PortraitFailure(FailureReason.NOT_FETCHED)
    return PortraitFailure(
        FailureReason.DEFECT, str(error) if isinstance(error, EngineFault | OperatorError) else type(error).__name__
    )
