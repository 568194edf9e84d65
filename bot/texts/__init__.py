"""Everything the bot says, in every language it speaks.

One TOML a language. A message is a string with named places (``{name}``), or a table of plural forms by the
categories of the Unicode CLDR (``one``, ``few``, ``many``, ``other``), chosen by ``count``; Babel knows which number
takes which. A place may name a Korean particle in its two shapes, ``{name:이/가}``: the one that fits is appended. A
Japanese name gets its ちゃん by ``{name:ちゃん}``, unless it has one, or another word of that kind.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal

DEFAULT = "en"
LANGUAGES = {
    "en": "English",
    "ko": "한국어",
    "ja": "日本語",
    "es": "Español",
    "de": "Deutsch",
    "pt": "Português",
    "ru": "Русский",
    "zh": "中文",
}
"""The languages the bot speaks, by code, in their own names."""

_CATEGORIES = frozenset({"zero", "one", "two", "few", "many", "other"})
_HANGUL = range(0xAC00, 0xD7A4)
_FINALS = 28  # finals of a Hangul syllable, the first of which is none (Unicode chapter 3.12)
_RIEUL = 8
_CHAN = "ちゃん"
_HONORIFICS = (_CHAN, "くん", "さん", "さま", "君", "様")  # with which owners give names already

Message = str | Mapping[str, str]


class Words:
    """What is said in one language: ``words("start.hello", name="Momo")``."""

    def __init__(self, language: str, messages: Mapping[str, Message]) -> None:
        self.language = language
        self._messages = messages
        self._locale = Locale.parse(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """Raises KeyError for an unknown key or a place without a value."""
        message = self._messages[key]
        if not isinstance(message, str):
            count = values["count"]
            if not isinstance(count, int):
                raise TypeError(f"{key}: count must be a whole number")
            message = message.get(self._locale.plural_form(count)) or message["other"]
        return message.format_map({name: self._shown(value) for name, value in values.items()})

    def has(self, key: str) -> bool:
        return key in self._messages

    def date(self, day: date) -> str:
        """The day as people write it: 23 November 2026, 2026년 11월 23일."""
        return format_date(day, "long", self._locale)

    def _shown(self, value: object) -> object:
        if isinstance(value, str):
            return _Word(value)
        return format_decimal(value, locale=self._locale) if isinstance(value, int | float) else value


class _Word(str):
    """A word that can take a Korean particle, ``f"{word:은/는}"``, or a Japanese honorific, ``f"{word:ちゃん}"``."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if spec == _CHAN:
            letters = "".join(letter for letter in self if letter.isalnum())
            return str(self) if letters.endswith(_HONORIFICS) else f"{self}{spec}"
        closed, slash, open_ = spec.partition("/")
        if not slash:
            return super().__format__(spec)
        return f"{self}{_particle(self, closed, open_)}"


def _particle(word: str, closed: str, open_: str) -> str:
    """`closed` after a final consonant, `open_` after a vowel; both where the word does not tell how it sounds."""
    last = next((letter for letter in reversed(word) if letter.isalnum()), "")
    if not last or ord(last) not in _HANGUL:
        return f"{closed}({open_})"
    final = (ord(last) - _HANGUL.start) % _FINALS
    if closed.startswith("으"):  # 으로/로: ㄹ counts as open
        return closed if final not in (0, _RIEUL) else open_
    return closed if final else open_


@cache
def words_for(language: str) -> Words:
    """The words of one of `LANGUAGES`. Raises KeyError for another."""
    LANGUAGES[language]
    entry = files("bot").joinpath(f"texts/{language}.toml")
    return Words(language, dict(_flat(tomllib.loads(entry.read_text("utf-8")))))


def closest_language(code: str | None) -> str:
    """Of our languages, the one for Telegram's `language_code` (such as ``pt-br``), English where we speak none."""
    try:
        language = Locale.parse(code, sep="-").language if code else DEFAULT
    except (ValueError, UnknownLocaleError):
        return DEFAULT
    return language if language in LANGUAGES else DEFAULT


def messages(language: str) -> Mapping[str, Message]:
    """All messages as they are written, for those who check them."""
    return words_for(language)._messages


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Message]]:
    found: list[tuple[str, Message]] = []
    for name, value in table.items():
        if isinstance(value, dict) and not value.keys() <= _CATEGORIES:
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
