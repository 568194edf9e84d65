"""Finds in a text what Telegram finds by itself: commands, addresses and mentions.

Offsets and lengths are counted in UTF-16 code units, as everywhere in the Bot API.
"""

import re

from bot.playground.errors import Json

TEXT_MAX = 4096  # characters of a message; Telegram's limit
CAPTION_MAX = 1024  # characters of a caption; Telegram's limit for bots

_PATTERNS = (
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/<>])")),
    ("url", re.compile(r"https?://[^\s<>\"]+[^\s<>\".,!?;:)]")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}\b")),
)


def utf16_length(text: str) -> int:
    """Return the length of `text` in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def utf16_slice(text: str, offset: int, length: int) -> str:
    """Return the part of `text` that an entity names; both numbers are UTF-16 code units."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


def with_entities(text: str) -> tuple[str, list[Json]]:
    """Return the text as Telegram keeps it, without space around it, and its entities in their order."""
    text = text.replace("\r\n", "\n").strip()
    found: list[Json] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, length = utf16_length(text[: match.start()]), utf16_length(match[0])
            if not any(_overlap(start, length, other) for other in found):
                found.append({"type": kind, "offset": start, "length": length})
    return text, sorted(found, key=lambda entity: int(entity["offset"]))


def _overlap(start: int, length: int, other: Json) -> bool:
    return bool(start < other["offset"] + other["length"] and other["offset"] < start + length)
