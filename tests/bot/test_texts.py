from datetime import date
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale

from bot.messaging.keyboards import OFFERED_KINDS
from bot.portraits.age_range import AGES
from bot.portraits.limits import Over
from bot.texts import DEFAULT, LANGUAGES, Message, closest_language, messages, words_for
from engine import PhotoIssue, PhotoReason, Stage
from storage import Kind, Verdict, VerdictReason


def forms(message: Message) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def places(message: Message) -> set[str]:
    """The names of all places in all forms of a message."""
    return {name for form in forms(message) for _, name, _, _ in Formatter().parse(form) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    assert messages(language).keys() == messages(DEFAULT).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_the_same_places(language: str) -> None:
    for key, message in messages(language).items():
        expected = places(messages(DEFAULT)[key])
        assert places(message) == expected, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_the_forms_that_the_language_needs(language: str) -> None:
    needed = set(Locale.parse(language).plural_form.rules) | {"other"}
    for key, message in messages(language).items():
        if isinstance(messages(DEFAULT)[key], str):
            assert isinstance(message, str), key
        else:
            assert isinstance(message, dict), key
            # Some languages have a form for round millions only, which nobody waits for.
            assert needed - {"many"} <= message.keys() <= needed or (language == "ru" and needed <= message.keys()), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_stage_kind_and_limit_has_words(language: str) -> None:
    words = words_for(language)
    for reason in PhotoReason:
        assert words.has(f"reason.{reason}") and words.has(f"baby_reason.{reason}")
    for stage in Stage:
        assert words.has(f"progress.{stage}")
    for kind in set(Kind) - {Kind.STILL, Kind.STICKER, Kind.VIDEO_NOTE}:
        assert words.has(f"result.{kind}")
    for kind in OFFERED_KINDS:
        assert words.has(f"button.{kind}")
    for word in {word for ages in AGES for word, _ in ages}:
        assert words.has(f"age.{word}") and words.has(f"result.{word}") and words.has(f"result.{word}_named")
    for issue in PhotoIssue:
        assert words.has(f"quality.{issue}")
    for verdict in Verdict:
        assert words.has(f"verdict.{verdict}")
    for why in VerdictReason:
        assert words.has(f"why.{why}") and words.has(f"button.why_{why}")
    for over in Over:
        assert words(f"limit.{over}", count=2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_buttons_and_commands_fit(language: str) -> None:
    for key, message in messages(language).items():
        if key.startswith("button."):
            assert all(len(form) <= 40 for form in forms(message)), key
        if key.startswith("command."):  # Telegram's limits for a command's description
            assert all(3 <= len(form) <= 256 for form in forms(message)), key


def test_plurals_follow_the_language() -> None:
    assert words_for("en")("progress.queued", count=1) != words_for("en")("progress.queued", count=2)
    russian = {words_for("ru")("progress.wait_minutes", count=count).replace(str(count), "N") for count in (1, 2, 5)}
    assert len(russian) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("모모", "모모를 또 만나네요"),
        ("뭉", "뭉을 또 만나네요"),
        ("보리", "보리를 또 만나네요"),
        ("초콜릿", "초콜릿을 또 만나네요"),
        ("Max", "Max을(를) 또 만나네요"),
        ("콩 🐶", "콩 🐶을 또 만나네요"),
    ],
)
def test_korean_particles_follow_the_name(name: str, said: str) -> None:
    assert said in words_for("ko")("question.breed_known", name=name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("モモ", "モモちゃん、また"),
        ("モモちゃん", "モモちゃん、また"),
        ("モモちゃん🐶", "モモちゃん🐶、また"),
        ("ポチくん", "ポチくん、また"),
        ("ネコさん", "ネコさん、また"),
        ("タロー君", "タロー君、また"),
        ("Max", "Maxちゃん、また"),
    ],
)
def test_a_japanese_name_is_not_called_chan_twice(name: str, said: str) -> None:
    assert words_for("ja")("question.breed_known", name=name).startswith(said)


def test_dates_are_written_as_people_write_them() -> None:
    day = date(2026, 11, 23)
    assert words_for("en").date(day) == "November 23, 2026"
    assert words_for("ko").date(day) == "2026년 11월 23일"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en-GB", "en"),
        ("pt-br", "pt"),
        ("zh-hans", "zh"),
        ("zh-hant", "zh"),
        ("", "en"),
        (None, "en"),
        ("xx", "en"),
        ("!", "en"),
    ],
)
def test_telegrams_language_codes(code: str | None, language: str) -> None:
    assert closest_language(code) == language


def test_names_cannot_break_a_message() -> None:
    assert "{0.__class__}" in words_for("en")("result.named", name="{0.__class__}")


_FAMILIES = (
    *("age.", "reason.", "baby_reason.", "progress.", "quality.", "result.", "limit.", "question.breed_", "command."),
    *("button.why_", "verdict.", "why."),
)
"""Keys that the code puts together from an enumeration; the tests above hold that all of them are there."""


def test_nothing_is_written_that_is_never_said() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (Path(__file__).parents[2] / "bot").rglob("*.py"))
    families = (*_FAMILIES, *(f"button.{kind}" for kind in OFFERED_KINDS))
    unsaid = [key for key in messages(DEFAULT) if not key.startswith(families) and key not in code]
    assert unsaid == []
