"""Texts and buttons of messages about a portrait, made from its row alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup

from bot.messaging.keyboards import (
    baby_keyboard,
    breed_keyboard,
    cancel_keyboard,
    failure_keyboard,
    go_on_keyboard,
    head_keyboard,
    help_keyboard,
    resend_keyboard,
    why_keyboard,
)
from bot.portraits.age_range import age_word
from bot.portraits.breed_names import breed_name, known_breeds
from bot.portraits.findings import Findings
from bot.texts import Words
from engine import Progress, Stage
from storage import Expecting, FailureReason, Kind, Notice, Pet, PhotoRole, Portrait, State, VerdictReason

_SUGGESTED_BREEDS = 3  # offered at first; more would hide the other buttons on a phone
_SUGGESTED_PETS = 4  # known pets offered with the breeds
_MAX_QUOTE_LETTERS = 40  # letters repeated of what somebody typed
_PROGRESS_SQUARES = 10  # in the progress bar; what fits one line of a phone
_SOON_S = 5.0  # s; below, no number is given
_ALMOST_FRACTION = 0.85  # of the work; it is not almost done before
_MINUTES_FROM_S = 90  # s; from here on an estimate is given in minutes
_MIXED_BREEDS = {"dog": ("mixed_dog",), "cat": ("mixed_cat",), "": ("mixed_dog", "mixed_cat")}


_WITHOUT_CAPTION = (Kind.STICKER, Kind.VIDEO_NOTE)


@dataclass(frozen=True, slots=True)
class MessageView:
    text: str
    keyboard: InlineKeyboardMarkup | None = None


def question(words: Words, portrait: Portrait, pets: Sequence[Pet] = (), album: Sequence[int] = ()) -> MessageView:
    """The question of a portrait that waits for its owner; `album` has the messages of its album's photos."""
    findings, several = _findings(portrait), len(album) > 1
    keyboard: InlineKeyboardMarkup | None
    match portrait.state:
        case State.AWAITING_HEAD:
            text = words("question.head", count=len(findings.heads))
            all_ = len(findings.usable_from_left) > 1
            keyboard = head_keyboard(words, portrait, findings.from_left, all_, several)
        case State.AWAITING_GO_ON:
            issue = words(f"quality.{findings.look_of(portrait.head or 0).issues[0]}")
            text = words("quality.ask", issue=issue)
            keyboard = go_on_keyboard(words, portrait, several)
        case State.AWAITING_BREED:
            asked = _breed_question(words, portrait, findings, pets, several)
            text, keyboard = asked.text, asked.keyboard
        case _:
            others = _others(portrait, album)
            text = _told(words, portrait, _baby_question(words, portrait, len(others)))
            keyboard = baby_keyboard(words, portrait, others)
    return MessageView(_introduced(words, portrait, findings, text, album), keyboard)


def _introduced(words: Words, portrait: Portrait, findings: Findings, text: str, album: Sequence[int]) -> str:
    """The question, preceded by which photo of an album was taken, or which pet of several it is about."""
    if len(album) > 1 and portrait.album_message in album and portrait.told_album in ("", portrait.state):
        key = "question.album_changed" if portrait.go_on else "question.album_chosen"
        return words(key, number=album.index(portrait.album_message) + 1, question=text)
    if portrait.together not in (None, portrait.id) and portrait.state is State.AWAITING_BREED:
        return words("question.next_pet", number=findings.number_of(portrait.head or 0), question=text)
    return text


def _others(portrait: Portrait, album: Sequence[int]) -> dict[int, int]:
    """The messages of the album's photos that may be the baby photo, by their numbers."""
    if portrait.baby_photo:
        return {}
    if not album and portrait.baby_file_id:  # a row of earlier versions, which kept the second photo alone
        return {2: 0}
    if len(album) < 2:
        return {}
    return {number: message for number, message in enumerate(album, 1) if message != portrait.album_message}


def _findings(portrait: Portrait) -> Findings:
    """What was recognised of the chosen pet."""
    return Findings.from_json(portrait.recognition).of_head(portrait.head or 0)


def _breed_question(
    words: Words, portrait: Portrait, findings: Findings, pets: Sequence[Pet], album: bool
) -> MessageView:
    likely = known_breeds(findings.breeds)[:_SUGGESTED_BREEDS] or known_breeds(_MIXED_BREEDS[findings.species])
    if portrait.expected_text is Expecting.BREED:
        key = "question.breed_type_group" if portrait.in_group else "question.breed_type"
        example = breed_name("maine_coon" if findings.species == "cat" else "golden_retriever", words.language)
        return MessageView(words(key, example=example), breed_keyboard(words, portrait, likely, album=album))
    fitting = _fitting(pets, findings)
    keyboard = breed_keyboard(words, portrait, likely, fitting, album)
    if fitting:
        return MessageView(words("question.breed_known", name=fitting[0].name), keyboard)
    return MessageView(words(f"question.breed_{findings.species or 'any'}"), keyboard)


def _fitting(pets: Sequence[Pet], findings: Findings) -> list[Pet]:
    """The known pets that the photo may show, at most as many as are offered."""
    return [pet for pet in pets if pet.species in (findings.species, "") or not findings.species][:_SUGGESTED_PETS]


def _told(words: Words, portrait: Portrait, question: str) -> str:
    """The question, preceded by the breed that was told, so that a wrong one is noticed; not for a known pet."""
    told = known_breeds([portrait.breed or ""])
    if not told or portrait.pet or portrait.failed_photo:
        return question
    return words("question.breed_noted", breed=breed_name(told[0], words.language), question=question)


def _baby_question(words: Words, portrait: Portrait, others: int) -> str:
    if portrait.failed_photo is PhotoRole.BABY_PHOTO and words.has(f"baby_reason.{portrait.failure.reason}"):
        return words(f"baby_reason.{portrait.failure.reason}")
    if others:
        return words("question.baby_album" if others == 1 else "question.baby_album_several")
    if portrait.in_group:
        return words("question.baby_group")
    if portrait.name:
        return words("question.baby", name=portrait.name)
    return words("question.baby_unnamed")


def breed_matches(
    words: Words, portrait: Portrait, typed: str, breeds: Sequence[str], pets: Sequence[Pet]
) -> MessageView:
    """Offer the breeds that typed words may mean, or the likely ones when they mean none."""
    findings = _findings(portrait)
    fitting = _fitting(pets, findings)
    if breeds:
        return MessageView(
            words("question.breed_matches"), breed_keyboard(words, portrait, known_breeds(breeds), fitting)
        )
    likely = known_breeds(findings.breeds)[:_SUGGESTED_BREEDS] or known_breeds(_MIXED_BREEDS[findings.species])
    said = " ".join(typed.split())
    quoted = said if len(said) <= _MAX_QUOTE_LETTERS else f"{said[:_MAX_QUOTE_LETTERS]}…"
    return MessageView(words("question.breed_no_match", typed=quoted), breed_keyboard(words, portrait, likely, fitting))


def queued(words: Words, portrait: Portrait, before: int, wait_s: float | None, paused: bool = False) -> MessageView:
    """`before` portraits are made first; `wait_s` is None when nobody can tell yet."""
    if paused:
        return MessageView(words("progress.paused"), cancel_keyboard(words, portrait))
    lines = ["🐾 " + (words("progress.queued", count=before) if before else words("progress.next"))]
    if wait_s is not None:
        lines.append("⏳ " + remaining(words, wait_s))
    return MessageView("\n".join(lines), cancel_keyboard(words, portrait))


def progress(words: Words, portrait: Portrait, now: Progress) -> MessageView:
    if now.stage is Stage.QUEUED:
        return queued(words, portrait, now.position, now.eta_s)
    done = round(max(0.0, min(1.0, now.fraction)) * _PROGRESS_SQUARES)
    lines = [words(f"progress.{now.stage}"), f"{'🟩' * done}{'⬜' * (_PROGRESS_SQUARES - done)}"]
    if now.eta_s is not None:
        soon = now.eta_s < _SOON_S and now.fraction < _ALMOST_FRACTION
        lines.append("⏳ " + (words("progress.moment") if soon else remaining(words, now.eta_s)))
    return MessageView("\n".join(lines), cancel_keyboard(words, portrait))


def remaining(words: Words, seconds: float) -> str:
    """An estimate no finer than it is reliable: fives and tens of seconds, then minutes."""
    if seconds < _SOON_S:
        return words("progress.almost")
    if seconds < _MINUTES_FROM_S:
        step = 5 if seconds < 20 else 10
        return words("progress.wait_seconds", count=max(5, round(seconds / step) * step))
    return words("progress.wait_minutes", count=round(seconds / 60 + 0.3))


def failure(words: Words, portrait: Portrait, told: bool) -> MessageView:
    """Why it did not work, and what can be done; `told` as in `apology`."""
    reason = portrait.failure.reason
    if words.has(f"reason.{reason}"):
        return MessageView(words(f"reason.{reason}"), failure_keyboard(words, portrait))
    if reason is FailureReason.NOT_FETCHED:
        return MessageView(words("error.not_fetched"))
    if portrait.failure.is_limit:
        return MessageView(words("limit.later", button=words("button.retry")), failure_keyboard(words, portrait))
    return MessageView(apology(words, told), failure_keyboard(words, portrait))


def apology(words: Words, told: bool) -> str:
    """The apology for our defects; `told` is whether there is an administrator, who hears of it."""
    return words("error.sorry_told" if told else "error.sorry")


def about_results(words: Words, portrait: Portrait, notice: Notice, age: float, told: bool) -> MessageView:
    """What is said about results of this age; what did not arrive is offered again. `told` as in `apology`."""
    match notice:
        case Notice.DELIVERY_UNCERTAIN | Notice.MEDIA_REFUSED | Notice.NOT_TAKEN:
            text = words(f"result.{notice}", button=words("button.retry"))
            return MessageView(text, resend_keyboard(words, portrait, age))
        case Notice.NO_WHOLE_PHOTO | Notice.NO_PACK | Notice.TOO_LARGE | Notice.SENT_HERE:
            return MessageView(words(f"result.{notice}"))
        case Notice.NOT_MADE:
            return MessageView(apology(words, told))
        case Notice.WHY:
            return MessageView(words("why.ask"), why_keyboard(words, portrait, age))


def help_against(words: Words, portrait: Portrait, age: float, reason: VerdictReason) -> MessageView:
    """What may help where a result of this age is bad for this reason."""
    issues = _findings(portrait).look_of(portrait.head or 0).issues
    weak = [words(f"quality.{issue}") for issue in issues[:1]] if reason is not VerdictReason.NOT_MINE else []
    text = "\n\n".join([words(f"why.{reason}"), *weak])
    return MessageView(text, help_keyboard(words, portrait, age, reason))


def caption(words: Words, portrait: Portrait, kind: Kind, age: float) -> str:
    """The text below a result."""
    if kind is Kind.FILM:
        return words(f"result.{_film(portrait, age)}")
    if kind is not Kind.STILL:
        return words(f"result.{kind}") if kind not in _WITHOUT_CAPTION else ""
    key = f"result.{age_word(portrait, age)}"
    return words(f"{key}_named", name=portrait.name) if portrait.name else words(key)


def _film(portrait: Portrait, age: float) -> str:
    """From when to when the film leads."""
    if age == 0:
        return "film_today_young" if portrait.age < 0 else "film_today"
    if age < 0:
        return "film_older"
    return "film_from_then" if portrait.baby_photo else "film"
