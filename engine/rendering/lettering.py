"""Draw lines of text on pictures, in the scripts our users write.

Each character is drawn with the first font that has it: ours for Latin and Korean, ours for Cyrillic, Greek
and kana, a font of the system for Chinese, Arabic, Hebrew, Thai and Devanagari. What no font has (emoji above all) is
left out.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

FONTS = Path(__file__).parents[1] / "fonts"
OURS = ("GowunBatang-Bold.woff2", "ThrowbackLetters-SemiBold.woff2")
# By the names of their files; Pillow looks through the system's font folders.
HAN_FONTS = (
    "NotoSerifCJK-Bold.ttc",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "Hiragino Sans GB.ttc",
    "YuGothB.ttc",
    "msyhbd.ttc",
)
HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))  # code points of Chinese characters
HEBREW = ((0x0591, 0x05F4), (0xFB1D, 0xFB4F))
ARABIC = ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
THAI = ((0x0E01, 0x0E5B),)
DEVANAGARI = ((0x0900, 0x097F),)
# The first font of a row that the system has is taken. Letters of these scripts are joined, stacked or written from
# right to left, which needs Pillow's Raqm layout.
SHAPED_FONTS = (
    (HEBREW + ARABIC, ("DejaVuSans-Bold.ttf", "tahomabd.ttf", "Arial Unicode.ttf")),
    (HEBREW, ("NotoSansHebrew-Bold.ttf", "NotoSansHebrew-Regular.ttf")),
    (ARABIC, ("NotoSansArabic-Bold.ttf", "NotoNaskhArabic-Bold.ttf", "NotoSansArabic-Regular.ttf")),
    (THAI, ("NotoSansThai-Bold.ttf", "NotoSansThai-Regular.ttf", "Garuda-Bold.ttf", "tahomabd.ttf", "Thonburi.ttc")),
    (DEVANAGARI, ("NotoSansDevanagari-Bold.ttf", "NotoSansDevanagari-Regular.ttf", "NirmalaB.ttf", "Kohinoor.ttc")),
)
ELLIPSIS = "…"  # ends a line that was cut
MOST_CHARACTERS = 160  # of a line; measuring a longer text to shorten it would take minutes

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Text that fits: runs of (font, characters), with its width in px and the size it came out at."""

    runs: tuple[tuple[ImageFont.FreeTypeFont, str], ...]
    width: float
    size: int

    def draw(
        self, canvas: ImageDraw.ImageDraw, centre: float, baseline: float, colour: tuple[int, int, int] | int
    ) -> None:
        """Draws the line centred at x = `centre`."""
        x = centre - self.width / 2
        for font, text in self.runs:
            canvas.text((x, baseline), text, fill=colour, font=font, anchor="ls")
            x += font.getlength(text)


def fitted(text: str, size: int, least: int, width: float) -> Line:
    """`text` at `size` px; if it is wider than `width` px, smaller down to `least`, and then cut with an ellipsis."""
    text = drawable(text[:MOST_CHARACTERS])
    for at in range(size, least, -2):
        line = _line(text, at)
        if line.width <= width:
            return line
    line = _line(text, least)
    while line.width > width and text:
        text = text[:-1].rstrip()
        line = _line(text + ELLIPSIS, least)
    return line


def drawable(text: str) -> str:
    """`text` on one line, without the characters that no font here can draw."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c if _font_of(c) is not None else " " if c.isspace() else "" for c in composed)
    return " ".join(kept.split())


def _line(text: str, size: int) -> Line:
    names: list[str | None] = []
    for character in text:  # a space between two words of one script belongs to them: they are laid out together
        names.append(names[-1] if character == " " and names else _font_of(character))
    fonts = groupby(zip(names, text, strict=True), key=itemgetter(0))
    runs = tuple((_font(name, size), "".join(c for _, c in run)) for name, run in fonts if name is not None)
    return Line(runs, sum(font.getlength(run) for font, run in runs), size)


def _font_of(character: str) -> str | None:
    code = ord(character)
    for name, ranges in coverage().items():
        if any(low <= code <= high for low, high in ranges):
            return name
    return None


@lru_cache(maxsize=1)
def coverage() -> dict[str, Ranges]:
    """The ranges of characters of each font, the preferred one first."""
    read = json.loads((FONTS / "coverage.json").read_text())
    ranges: dict[str, Ranges] = {name: tuple((low, high) for low, high in read[name]) for name in OURS}
    shaped = SHAPED_FONTS if features.check("raqm") else ()
    for covered, names in ((HAN, HAN_FONTS), *shaped):
        if name := next(filter(_is_here, names), None):
            ranges[name] = ranges.get(name, ()) + covered
    return ranges


def _is_here(name: str) -> bool:
    try:
        ImageFont.truetype(name, 12)
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / name) if name in OURS else name, size)
