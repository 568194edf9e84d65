"""Stickers, strips, loops, labels and boxes: what is seen of them, and what Telegram and printers ask for."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from engine.growth.face_growth import FaceGrowth
from engine.growth.growth_model import PROPORTIONS, YOUNGEST, proportions
from engine.images.ycbcr import to_frame
from engine.messages import ExportText, Head, NamedAge, Species
from engine.rendering import strip as strips
from engine.rendering.age_labels import AgeLabels
from engine.rendering.film import there_and_back
from engine.rendering.layers import FrameCanvas, Layer, to_frame_of
from engine.rendering.numbered_heads import numbered_heads
from engine.rendering.sticker import SIDE, outlined
from tests.engine.parsed_faces import adult_of

WORDS = dict(zip(NamedAge, ("8 weeks", "4 months", "1 year", "today", "old"), strict=True))


def test_a_sticker_has_its_size_and_a_white_outline() -> None:
    cut = Image.new("RGBA", (300, 300))
    ImageDraw.Draw(cut).ellipse((60, 90, 200, 250), fill=(180, 60, 30, 255))
    made = outlined(cut)
    assert max(made.size) == SIDE > min(made.size)
    row = np.asarray(made)[made.height // 2]
    seen = row[row[:, 3] > 250]
    assert tuple(row[0]) == (255, 255, 255, 0) and row[0, 3] == row[-1, 3] == 0
    assert (seen[2, :3] > 240).all() and tuple(seen[len(seen) // 2, :3]) == (180, 60, 30)


def test_a_strip_prints_at_its_size_with_five_pictures() -> None:
    colours = [(200, 40, 40), (40, 160, 60), (40, 60, 200), (200, 160, 40), (140, 60, 160)]
    pictures = {age: Image.new("RGB", (64, 64), colour) for age, colour in zip(NamedAge, colours, strict=True)}
    for text in (ExportText("Mochi", "Samoyed", ages=WORDS), ExportText(), ExportText("Снежинка" * 40, ages=WORDS)):
        with Image.open(io.BytesIO(strips.strip(pictures, text))) as made:
            assert made.size == (1772, 1181)
            assert [round(dots) for dots in made.info["dpi"]] == [300, 300]
            places = [round(made.width * share) for share in (0.138, 0.319, 0.5, 0.681, 0.862)]
            seen = [made.convert("RGB").getpixel((x, 600)) for x in places]
        assert np.abs(np.array(seen, np.int32) - np.array(colours)).max() < 12


def test_a_loop_has_no_jump_where_it_begins_again() -> None:
    frames = [np.full(6, value, np.uint8) for value in (0, 10, 20, 30)]
    shown = [int(frame[0]) for frame in there_and_back(frames)]
    assert shown == [0, 10, 20, 30, 20, 10]
    assert max(abs(a - b) for a, b in zip(shown, shown[1:] + shown[:1], strict=True)) == 10


def test_a_film_says_the_age_only_where_it_has_words() -> None:
    grey = to_frame(torch.full((64 * 64 * 3 // 2,), 120.0))
    labels = AgeLabels({NamedAge.TODAY: "today", NamedAge.EIGHT_WEEKS: "8 weeks"})
    assert [labels.nearest(age) for age in (0.0, 0.4, 0.6, 1.0)] == ["today", "today", "8 weeks", "8 weeks"]
    ages = [0.0] * 8 + [1.0] * 8
    shown = list(labels.over(iter([grey] * 16), ages, 64, 64))
    assert (shown[0] != grey).any() and (shown[0] != shown[15]).any()
    assert shown[0] is shown[1]  # what rests is drawn once
    assert all(frame is grey for frame in AgeLabels({}).over(iter([grey] * 4), [0.0] * 4, 64, 64))


def test_layers_lie_where_they_are_pasted() -> None:
    canvas = FrameCanvas.of(Image.new("RGB", (32, 32), (255, 255, 255)))
    before = canvas.frame()
    other = canvas.copy()
    other.paste(Layer.of(Image.new("RGBA", (8, 8), (0, 0, 0, 255))), 4, 6)
    changed = np.argwhere((other.frame() != before)[: 32 * 32].reshape(32, 32))
    assert (changed.min(0).tolist(), changed.max(0).tolist()) == ([6, 4], [13, 11])
    assert (canvas.frame() == before).all()
    assert (to_frame_of(Image.new("RGB", (32, 32), (255, 255, 255))) == before).all()


def test_each_of_several_heads_is_in_a_box() -> None:
    photo = Image.new("RGB", (1600, 800), (90, 90, 90))
    heads = [Head(box, None, None, None, 1.0) for box in ((100, 100, 500, 500), (900, 200, 1300, 600))]
    with Image.open(io.BytesIO(numbered_heads(photo, heads))) as made:
        assert made.size == (1280, 640)
        far = np.abs(np.asarray(made.convert("L"), np.int32) - 90) > 30
    assert far[80:400, 60:110].any() and far[160:480, 700:740].any()
    assert not far[:, 450:650].any() and not far[560:].any()


@pytest.mark.parametrize("species", Species)
def test_ages_with_names_are_monotone_in_every_measured_proportion(species: Species) -> None:
    photo = Image.new("RGB", (256, 256))
    head = Head((70, 60, 186, 190), (98, 113), (158, 113), (128, 150), 1.0)
    growth = FaceGrowth(adult_of(photo, head, species), species)
    faces = torch.stack([growth.landmarks + growth.landmark_moves(age.age) for age in reversed(NamedAge)])
    measured = proportions(faces)
    # Ears are longest, and dogs' eyes highest, at four months: in the marked animals too.
    for name in YOUNGEST[species].keys() - {"ear length", "eye height"}:
        values = measured[:, PROPORTIONS.index(name)]
        steps, whole = values.diff(), float(values[-1] - values[0])
        assert (steps * (1 if whole >= 0 else -1) > -0.01 * float(values[0].abs())).all(), (name, values)
    assert measured[1:, PROPORTIONS.index("eye width")].diff().min() > 0
