"""Breed names in people's languages, and what they may have meant by what they typed.

One TOML a language in `texts/breeds`: slug = [name shown, further names understood when typed].
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from engine import BREEDS

_MATCH_SIMILARITY = 78.0  # 0..100; from here on a name may be meant: two typing errors in an average name
_SURE_SIMILARITY = 92.0  # 0..100; from here on nothing else is meant; "agora" and "Ollie" have 91 to Angora and Collie
_MAX_MATCHES = 6  # as many as fit a keyboard
_PART_WEIGHT = 0.8  # a match with one word of a name counts for less than one with the whole name
_PART_SIMILARITY = 90.0  # 0..100; words are shorter than names, so a part must be nearly equal
_MIN_LETTERS = 4  # shorter words are like, or part of, nearly every name
_SHORT_WORD_LETTERS = 5  # up to here two errors make another word: Simba is not Shiba

# They stand in many names, and say of no breed that it was meant.
_SPECIES_WORDS = ("dog", "cat", "Hund", "Katze", "perro", "gato", "cachorro", "강아지", "고양이", "собака", "кошка")


def breed_name(slug: str, language: str) -> str:
    """The breed's name in this language (such as ``ko``), in English where the language has none.

    Raises KeyError for an unknown slug.
    """
    return (_names(language).get(slug) or _names("en")[slug])[0]


def known_breeds(slugs: Iterable[str]) -> list[str]:
    """Return those of the slugs that have a name; the engine may know breeds that we do not."""
    return [slug for slug in slugs if slug in _names("en")]


def match_breed(typed: str, language: str) -> list[str]:
    """The slugs whose names are like what was typed, most alike first, at most six, none when nothing is near.

    Names of all languages are understood; between equals, those of `language` come first.
    """
    found = _near(typed, language)
    return sorted(found, key=lambda slug: found[slug], reverse=True)[:_MAX_MATCHES]


def told_breed(typed: str, species: str) -> str | None:
    """The breed that was clearly told: its own name, or one with a slip, of the species that was seen ("" for any).

    A name of the other species is none: either the words meant something else, or our eyes were wrong.
    """
    found = {slug: likeness for slug, (likeness, _) in _near(typed, "").items() if likeness >= _SURE_SIMILARITY}
    best = [slug for slug, likeness in found.items() if likeness == max(found.values())]
    fitting = [slug for slug in best if species in ("", BREEDS[slug].species)]
    return fitting[0] if len(fitting) == 1 else None


def _near(typed: str, language: str) -> dict[str, tuple[float, bool]]:
    """How much each breed's name is like what was typed, where it is at all, and whether it is one of `language`."""
    wanted = _plain(typed)
    found: dict[str, tuple[float, bool]] = {}
    for known in _languages() if wanted else ():
        for slug, names in _names(known).items():
            likeness = max(_likeness(wanted, _plain(name)) for name in names)
            if likeness:
                found[slug] = max(found.get(slug, (0.0, False)), (likeness, known == language))
    return found


def _likeness(wanted: str, name: str) -> float:
    """How much the name is like the wanted one, 0..100, 0 when not enough; part of a name counts for less."""
    joined, whole = wanted.replace(" ", ""), name.replace(" ", "")
    if joined == whole:
        return 100.0
    if len(joined) < _MIN_LETTERS or joined in _kinds():
        return 0.0
    if len(joined) > _SHORT_WORD_LETTERS or OSA.distance(joined, whole, score_cutoff=1) <= 1:
        near = max(
            fuzz.ratio(wanted, name, score_cutoff=_MATCH_SIMILARITY),
            fuzz.ratio(joined, whole, score_cutoff=_MATCH_SIMILARITY),
        )
        if near:
            return near
    # What has no spaces to tell its words apart, as in Japanese, may begin anywhere.
    if f" {wanted}" in f" {name}" or (wanted in name and not name.isascii() and " " not in name):
        return _PART_WEIGHT * 100
    return _PART_WEIGHT * max(fuzz.ratio(wanted, word, score_cutoff=_PART_SIMILARITY) for word in name.split())


@cache
def _kinds() -> frozenset[str]:
    return frozenset(map(_plain, _SPECIES_WORDS))


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
