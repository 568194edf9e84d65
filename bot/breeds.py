"""Breed names in people's languages, and what they may have meant by what they typed.

One TOML a language in `texts/breeds`: slug = [name shown, further names understood when typed].
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz

_ENOUGH = 72.0  # similarity, 0..100, from which a name may have been meant: two typing errors in an average name
_MOST = 6  # as many as fit a keyboard
_OF_A_PART = 0.85
_SHORTEST_PART = 3  # letters; shorter ones are part of nearly everything


def breed_name(slug: str, language: str) -> str:
    """The breed's name in this language (such as ``ko``), in English where the language has none.

    Raises KeyError for an unknown slug.
    """
    return (_names(language).get(slug) or _names("en")[slug])[0]


def match_breed(typed: str, language: str) -> list[str]:
    """The slugs whose names are like what was typed, most alike first, at most six, none when nothing is near.

    Names of all languages are understood; between equals, those of `language` come first.
    """
    wanted = _plain(typed)
    if not wanted:
        return []
    found: dict[str, tuple[float, bool]] = {}
    for known in _languages():
        for slug, names in _names(known).items():
            score = (max(_likeness(wanted, _plain(name)) for name in names), known == language)
            found[slug] = max(found.get(slug, score), score)
    near = [slug for slug, (likeness, _) in found.items() if likeness >= _ENOUGH]
    return sorted(near, key=lambda slug: found[slug], reverse=True)[:_MOST]


def _likeness(wanted: str, name: str) -> float:
    """How much the name is like the wanted one, 0..100, 0 when not enough; part of a name counts for less."""
    whole = max(
        fuzz.ratio(wanted, name, score_cutoff=_ENOUGH),
        fuzz.ratio(wanted.replace(" ", ""), name.replace(" ", ""), score_cutoff=_ENOUGH),
    )
    if _SHORTEST_PART <= len(wanted) < len(name):
        return max(whole, _OF_A_PART * fuzz.partial_ratio(wanted, name, score_cutoff=_ENOUGH / _OF_A_PART))
    return whole


@lru_cache(maxsize=10_000)  # all names; what people type comes and goes
def _plain(text: str) -> str:
    """Lower case without accents and punctuation. Hangul falls into letters, so that 말티스 is near 말티즈."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter if letter.isalnum() else " " for letter in letters if not unicodedata.combining(letter))
    return " ".join(kept.split())


@cache
def _languages() -> tuple[str, ...]:
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in files("bot").joinpath("texts/breeds").iterdir()))


@cache
def _names(language: str) -> Mapping[str, list[str]]:
    entry = files("bot").joinpath(f"texts/breeds/{language}.toml")
    return tomllib.loads(entry.read_text("utf-8")) if entry.is_file() else {}
