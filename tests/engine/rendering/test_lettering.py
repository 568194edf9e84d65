"""Every script our users write is drawn, and no character comes out as an empty box."""

import pytest
from PIL import Image, ImageDraw

from engine.rendering.lettering import ELLIPSIS, FONTS, OURS, coverage, drawable, fitted


def ink(text: str) -> tuple[int, int, int, int] | None:
    """The box of what is drawn of `text`."""
    picture = Image.new("RGB", (1400, 160))
    fitted(text, 60, 60, 1300).draw(ImageDraw.Draw(picture), 700, 100, (255, 255, 255))
    return picture.getbbox()


@pytest.mark.parametrize(
    "text", ["Bella & Éclair – Öl Ñandú Łódź", "보리 뽀삐 쫑 뷁 밤톨이", "Барсик", "Ελλάδα", "Việt", "ポチ"]
)
def test_our_own_fonts_draw_the_scripts_of_our_users(text: str) -> None:
    assert drawable(text) == text
    assert all(ink(character) for character in text if character != " ")


def test_every_character_said_to_be_covered_has_a_glyph() -> None:
    for name in OURS:
        for low, high in coverage()[name]:
            for code in {low, (low + high) // 2, high}:
                if chr(code).isprintable() and not chr(code).isspace() and not 0x300 <= code < 0x370:
                    assert ink(chr(code)), f"{name}: U+{code:04X}"


def test_emoji_and_their_joiners_are_left_out_cleanly() -> None:
    assert drawable("보리 🐶❤️ 2세 👨‍👩‍👧") == "보리 2세"
    assert drawable("🐱") == ""
    assert drawable("two\nlines\tand\u202e more\x00") == "two lines and more"


@pytest.mark.parametrize("text", ["بندق", "שוקו"])
def test_scripts_that_a_font_of_the_system_has(text: str) -> None:
    if drawable(text):
        assert drawable(text) == text and ink(text)
        assert len(fitted(f"{text} {text}", 60, 60, 1300).runs) == 1  # laid out together, from right to left
    else:
        pytest.skip("no font here has it")


def test_without_such_a_font_they_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rendering.lettering.features.check", lambda _: False)
    coverage.cache_clear()
    assert [drawable(text) for text in ("بندق", "שוקו", "โมจิ", "मोती")] == [""] * 4
    monkeypatch.undo()
    coverage.cache_clear()


def test_letters_and_their_marks_are_put_together() -> None:
    assert drawable("e\u0301 \u1107\u1169") == "é 보"


def test_text_shrinks_before_it_is_cut() -> None:
    short = fitted("Bella", 80, 40, 600)
    long = fitted("Bella the Golden Retriever", 80, 40, 600)
    longer = fitted("Bella the Golden Retriever of the Long Meadows", 80, 40, 600)
    assert short.size == 80
    assert 40 <= long.size < 80
    assert longer.size == 40
    assert longer.runs[-1][1].endswith(ELLIPSIS)
    assert not long.runs[-1][1].endswith(ELLIPSIS)
    assert max(short.width, long.width, longer.width) <= 600


def test_nothing_is_a_line_too() -> None:
    line = fitted("", 40, 20, 100)
    assert (line.runs, line.width) == ((), 0)


def test_the_fonts_are_small_and_bring_their_licences() -> None:
    assert sum(path.stat().st_size for path in FONTS.iterdir()) < 1_200_000
    for path in FONTS.glob("*-OFL.txt"):
        assert "SIL Open Font License, Version 1.1" in path.read_text()
    assert len(list(FONTS.glob("*-OFL.txt"))) == len(OURS)
