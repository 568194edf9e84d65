"""Breed names in people's languages, and which breed typed words mean.

One TOML per language in `texts/breeds`: slug = [name shown, further names understood when typed].
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from bot.texts import LANGUAGES
from engine import BREEDS

_MATCH_SIMILARITY = 78.0  # 0..100; from here on a name may be meant: two typing errors in an average name
_SURE_SIMILARITY = 92.0  # 0..100; from here on nothing else is meant; "agora" and "Ollie" have 91 to Angora and Collie
_MAX_MATCHES = 6  # as many as fit a keyboard
_PART_WEIGHT = 0.8  # a match with one word of a name counts for less than one with the whole name
_PART_SIMILARITY = 90.0  # 0..100; words are shorter than names, so a part must be nearly equal
_MIN_LETTERS = 4  # shorter words are like, or part of, nearly every name
_SHORT_WORD_LETTERS = 5  # up to here two errors make another word: Simba is not Shiba

# They are part of many names, and do not tell which breed is meant.
_SPECIES_WORDS = ("dog", "cat", "Hund", "Katze", "perro", "gato", "cachorro", "강아지", "고양이", "собака", "кошка")


def breed_name(slug: str, language: str) -> str:
    """Return the breed's name in this language (such as ``ko``), in English if the language has none.

    Raises KeyError for an unknown slug.
    """
    return (_names(language).get(slug) or _names("en")[slug])[0]


def known_breeds(slugs: Iterable[str]) -> list[str]:
    """Return those of the slugs that have a name; the engine may know breeds that we do not."""
    return [slug for slug in slugs if slug in _names("en")]


def match_breed(typed: str, language: str) -> list[str]:
    """Return the slugs whose names are like what was typed, the most similar first; at most six.

    Names of all languages are understood; of equally similar ones, those of `language` come first.
    """
    found = _similar(typed, language)
    return sorted(found, key=lambda slug: found[slug], reverse=True)[:_MAX_MATCHES]


def named_breed(text: str, language: str) -> str | None:
    """Return the breed that has exactly this name, a short one too: of all languages, the writer's and English first.

    None for the name of no breed, or of several.
    """
    wanted = _plain(text)
    for names in (_names(language), _names("en"), *map(_names, sorted(LANGUAGES))):
        found = [slug for slug, known in names.items() if wanted and wanted in map(_plain, known)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def told_breed(typed: str, species: str) -> str | None:
    """Return the breed that was clearly told, by its name or one with a slip; None when no single breed was.

    It must be of the `species` that was recognised, "" for any: otherwise either the words meant something else, or
    the recognition was wrong.
    """
    found = {
        slug: similarity for slug, (similarity, _) in _similar(typed, "").items() if similarity >= _SURE_SIMILARITY
    }
    best = [slug for slug, similarity in found.items() if similarity == max(found.values())]
    fitting = [slug for slug in best if species in ("", BREEDS[slug].species)]
    return fitting[0] if len(fitting) == 1 else None


def _similar(typed: str, language: str) -> dict[str, tuple[float, bool]]:
    """By slug, how similar a name is to what was typed, 0..100, and whether it is one of `language`."""
    wanted = _plain(typed)
    found: dict[str, tuple[float, bool]] = {}
    for known in sorted(LANGUAGES) if wanted else ():
        for slug, names in _names(known).items():
            similarity = max(_similarity(wanted, _plain(name)) for name in names)
            if similarity:
                found[slug] = max(found.get(slug, (0.0, False)), (similarity, known == language))
    return found


def _similarity(wanted: str, name: str) -> float:
    """How similar the names are, 0..100, 0 when not enough; a part of a name counts less."""
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
    # Where no spaces separate words, as in Japanese, a part may begin anywhere.
    if f" {wanted}" in f" {name}" or (wanted in name and not name.isascii() and " " not in name):
        return _PART_WEIGHT * 100
    return _PART_WEIGHT * max(fuzz.ratio(wanted, word, score_cutoff=_PART_SIMILARITY) for word in name.split())


@cache
def _kinds() -> frozenset[str]:
    return frozenset(map(_plain, _SPECIES_WORDS))


@lru_cache(maxsize=10_000)  # more than all names; what people type comes and goes
def _plain(text: str) -> str:
    """Lower case without accents and punctuation. Hangul is decomposed, so that 말티스 is similar to 말티즈."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter if letter.isalnum() else " " for letter in letters if not unicodedata.combining(letter))
    return " ".join(kept.split())


@cache
def _names(language: str) -> Mapping[str, list[str]]:
    entry = files("bot").joinpath(f"texts/breeds/{language}.toml")
    return tomllib.loads(entry.read_text("utf-8")) if entry.is_file() else {}
