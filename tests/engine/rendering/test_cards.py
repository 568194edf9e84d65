"""The card shows both pictures and the words, in either language, whatever it is given."""

import io

import numpy as np
import pytest
from PIL import Image

from engine.messages import CardText
from engine.rendering.cards import HEIGHT, WIDTH, then_and_now

RED, BLUE = (200, 40, 40), (40, 60, 200)
ENGLISH = CardText("Biscuit", "then", "now", "Throwback · 23 November 2026")
KOREAN = CardText("우리 집 막내 보리", "아기 때", "지금", "Throwback · 2026년 11월 23일")


def card(text: CardText, size: tuple[int, int] = (512, 512)) -> Image.Image:
    data = then_and_now(Image.new("RGB", size, RED), Image.new("RGB", size, BLUE), text)
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    assert not image.getexif()
    return image.convert("RGB")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many dark pixels a part of the card has."""
    return int((np.asarray(image.crop(box).convert("L")) < 150).sum())


TITLE = (215, 30, WIDTH - 215, 150)
LABELS = (120, 850, 600, 910), (850, 850, 1350, 910)
FOOTER = (300, HEIGHT - 80, WIDTH - 300, HEIGHT - 20)


@pytest.mark.parametrize("text", [ENGLISH, KOREAN])
@pytest.mark.parametrize("size", [(512, 512), (300, 700), (700, 128)])
def test_both_pictures_and_all_words_are_there(text: CardText, size: tuple[int, int]) -> None:
    image = card(text, size)
    assert image.size == (WIDTH, HEIGHT)
    for align_to, colour in ((388, RED), (1092, BLUE)):
        seen = np.asarray(image.crop((align_to - 150, 300, align_to + 150, 700)), np.int32)
        assert np.abs(seen - colour).max() < 12
    for part in (TITLE, *LABELS, FOOTER):
        assert ink(image, part) > 100


def test_without_words_there_is_only_paper() -> None:
    image = card(CardText("", "🐶", " ", ""))
    for part in (TITLE, *LABELS, FOOTER):
        assert ink(image, part) == 0


@pytest.mark.parametrize("name", ["🐶", "", " \u200d"])
def test_a_name_that_no_font_can_draw_leaves_the_title_to_the_breed(name: str) -> None:
    assert ink(card(CardText(name, "", "", "", "Samoyed")), TITLE) > 100


def test_words_of_any_length_stay_on_the_card() -> None:
    image = card(CardText("Hohenzollern " * 30, "멍멍이" * 60, "x" * 900, "…" * 5000))
    for left, right in ((0, 40), (WIDTH - 40, WIDTH)):
        assert ink(image, (left, 0, right, HEIGHT)) == 0


def test_a_card_fits_a_chat() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (512, 512, 3), dtype=np.uint8))
    assert len(then_and_now(noise, noise, ENGLISH)) < 2_000_000
