"""Texts as Telegram keeps them: plain characters, and entities that say which part is what.

Offsets and lengths are counted in UTF-16 code units, as everywhere in the Bot API.
"""

import html
import re
from collections.abc import Sequence

from bot.playground.errors import Json, bad_request

TEXT_MAX = 4096
CAPTION_MAX = 1024

_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^<>]*)>")
_ENTITY = re.compile(r"&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_ATTRIBUTE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?""")
_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "tg-spoiler": "spoiler", "span": "spoiler", "blockquote": "blockquote", "a": "text_link",
}  # fmt: skip
_AUTOMATIC = (
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/<>])")),
    ("url", re.compile(r"https?://[^\s<>\"]+[^\s<>\".,!?;:)]")),
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}\b")),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def utf16_slice(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


def written(text: str, parse_mode: str = "", entities: Sequence[Json] | None = None) -> tuple[str, list[Json]]:
    """The plain text and its entities: those given or marked up, and those Telegram finds by itself."""
    text = text.replace("\r\n", "\n")
    found: list[Json] = [dict(entity) for entity in entities or ()]
    if parse_mode and not found:
        if parse_mode.lower() != "html":
            # The real service knows Markdown too; the double says plainly that it does not.
            raise bad_request("unsupported parse_mode")
        text, found = _parse_html(text)
    stripped = text.lstrip()
    shift = utf16_length(text) - utf16_length(stripped)
    text = stripped.rstrip()
    end = utf16_length(text)
    kept = []
    for entity in found:
        offset = max(0, entity["offset"] - shift)
        length = min(entity["offset"] - shift + entity["length"], end) - offset
        if length > 0:
            kept.append({**entity, "offset": offset, "length": length})
    return text, sorted(kept + _automatic(text, kept), key=lambda entity: (entity["offset"], -entity["length"]))


def _automatic(text: str, marked: Sequence[Json]) -> list[Json]:
    taken = [
        (entity["offset"], entity["offset"] + entity["length"])
        for entity in marked
        if entity["type"] in {"code", "pre", "text_link"}
    ]
    found: list[Json] = []
    for kind, pattern in _AUTOMATIC:
        for match in pattern.finditer(text):
            start = utf16_length(text[: match.start()])
            stop = start + utf16_length(match[0])
            if all(stop <= first or start >= last for first, last in taken):
                taken.append((start, stop))
                found.append({"type": kind, "offset": start, "length": stop - start})
    return found


def _parse_html(text: str) -> tuple[str, list[Json]]:
    plain = ""
    entities: list[Json] = []
    opened: list[tuple[str, Json]] = []
    at = 0
    while at < len(text):
        if text[at] == "&" and (entity := _ENTITY.match(text, at)):
            plain += html.unescape(entity[0])
            at = entity.end()
        elif text[at] != "<":
            plain += text[at]
            at += 1
        else:
            tag = _TAG.match(text, at)
            where = len(text[:at].encode())
            if tag is None:
                raise _unparsable(f"Unclosed start tag at byte offset {where}")
            name = tag[2].lower()
            if not tag[1]:
                opened.append((name, _opening(name, tag[3], utf16_length(plain), where)))
            else:
                if not opened or opened[-1][0] != name:
                    raise _unparsable(f"Unexpected end tag at byte offset {where}")
                entity_open = opened.pop()[1]
                entity_open["length"] = utf16_length(plain) - entity_open["offset"]
                if entity_open["length"]:
                    entities.append(entity_open)
            at = tag.end()
    if opened:
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return plain, entities


def _opening(name: str, attributes: str, offset: int, where: int) -> Json:
    kind = _TAGS.get(name)
    given = {match[1]: match[2] or match[3] or "" for match in _ATTRIBUTE.finditer(attributes)}
    if kind is None or (name == "span" and given.get("class") != "tg-spoiler"):
        raise _unparsable(f'Unsupported start tag "{name}" at byte offset {where}')
    entity: Json = {"type": kind, "offset": offset}
    if name == "a":
        entity["url"] = html.unescape(given.get("href", ""))
    if name == "blockquote" and "expandable" in given:
        entity["type"] = "expandable_blockquote"
    return entity


def _unparsable(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")
