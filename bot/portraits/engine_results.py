"""What the engine is asked for and answers, as portraits keep it."""

from datetime import date

from bot.operations.error_summary import error_type
from bot.portraits.errors import FileGone
from bot.portraits.titles import portrait_title
from bot.texts import words_for
from engine import CardText, EngineFault, Film, OperatorError, PhotoError
from storage import FailureReason, Kind, Made, Portrait, PortraitFailure


def card_text(portrait: Portrait, age: float) -> CardText:
    """Return what the card of this age says, in the portrait's language."""
    words = words_for(portrait.language)
    now = words("card.now")
    return CardText(
        title=portrait_title(words, portrait),
        then=words("card.then") if age >= 0 else now,  # of the two the younger one is today's then
        now=now if age >= 0 else words("card.grown"),
        footer=words("card.footer", date=words.date(date.today())),
    )


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
        FailureReason.DEFECT, str(error) if isinstance(error, EngineFault | OperatorError) else error_type(error)
    )
