"""Reads a photo's caption: a command, the breed, the pet's name."""

import re
import unicodedata
from dataclasses import dataclass

from bot.portraits.breed_names import breed_name, match_breed

_COMMAND_PATTERN = re.compile(r"^/\w+(@\w+)?\s*")
_NAME_PATTERN = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,2}")


@dataclass(frozen=True, slots=True)
class Caption:
    breed: str | None = None  # a slug
    name: str = ""


def read_caption(text: str, language: str) -> Caption:
    """Take only what is clear: a breed's own name, and a pet's name next to one ("Momo, Samoyed")."""
    parts = [part.strip() for part in re.split(r"[,\n;/·]", _COMMAND_PATTERN.sub("", text.strip())) if part.strip()]
    breed: str | None = None
    rest = []
    for part in parts:
        if breed is None and (named := named_breed(part, language)):
            breed = named
        else:
            rest.append(part)
    name = rest[0] if breed and len(rest) == 1 and len(rest[0]) <= 24 and _NAME_PATTERN.fullmatch(rest[0]) else ""
    return Caption(breed, name)


def named_breed(text: str, language: str) -> str | None:
    """Return the breed of exactly this name, in the writer's language or in English."""
    words = _letters(text)
    for slug in match_breed(words, language):
        if words in (_letters(breed_name(slug, language)), _letters(breed_name(slug, "en"))):
            return slug
    return None


def _letters(text: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter.isspace() else " " for letter in text)
    return " ".join(unicodedata.normalize("NFC", kept).casefold().split())
