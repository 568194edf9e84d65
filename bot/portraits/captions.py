"""Reads a photo's caption: a command, the breed, the pet's name."""

import re
from dataclasses import dataclass

from bot.portraits.breed_names import named_breed

_COMMAND_PATTERN = re.compile(r"^/\w+(@\w+)?\s*")
_SEPARATORS = re.compile(r"[,、，\n;/·:()]|\s[-–—]\s")
_NAME_PATTERN = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+){0,2}")


@dataclass(frozen=True, slots=True)
class Caption:
    breed: str | None = None  # a slug
    name: str = ""


def read_caption(text: str, language: str) -> Caption:
    """Take only what is clear: a breed's name, short ones too, and a pet's name next to one ("Momo, Samoyed")."""
    parts = [part.strip() for part in _SEPARATORS.split(_COMMAND_PATTERN.sub("", text.strip())) if part.strip()]
    breed: str | None = None
    rest = []
    for part in parts:
        if breed is None and (named := named_breed(part, language)):
            breed = named
        else:
            rest.append(part)
    name = rest[0] if breed and len(rest) == 1 and len(rest[0]) <= 24 and _NAME_PATTERN.fullmatch(rest[0]) else ""
    return Caption(breed, name)
