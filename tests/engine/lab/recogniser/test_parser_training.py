"""What the head parser learns from, and that it learns."""

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from engine.images.tensors import to_tensor
from engine.lab.recogniser.face_training import FaceTrainingOptions
from engine.lab.recogniser.parser_training import (
    PartPicture,
    halfway,
    measure_parser,
    parser_loss,
    part_picture,
    part_targets,
    plain_picture,
    train_parser,
)
from engine.lab.recogniser.part_annotations import MarkedParts, read_parts
from engine.messages import Species
from engine.vision.efficientnet import load_efficientnet
from engine.vision.head_parsing import COATS, EARS, FACTS, LANDMARKS, MUZZLES, SIDE, STRIDE, HeadParser
from tests.engine.parsed_faces import adult
from tests.shared import SHARED, needs_shared

CELLS = SIDE // STRIDE
NOSE, LEFT_TIP, RIGHT_TIP = (LANDMARKS.index(name) for name in ("nose_top", "ear_left_tip", "ear_right_tip"))
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def marked(folder: Path, name: str = "face.png", held_out: bool = False, age: str = "adult") -> MarkedParts:
    """A grey photo of a cat's marks: an outline, a white spot on the left ear's tip, a black one on the right's."""
    landmarks = adult(Species.CAT).landmarks.astype(float) + np.array([40, 10])
    landmarks[LANDMARKS.index("crown")] = np.nan
    outline = np.array([(40 + SIDE / 2 + 70 * np.sin(t), 130 - 80 * np.cos(t)) for t in np.linspace(0, 6.1, 24)])
    photo = Image.new("RGB", (340, 280), (110, 110, 110))
    draw = ImageDraw.Draw(photo)
    draw.polygon([tuple(point) for point in outline], fill=(170, 150, 120))
    for index, colour in ((LEFT_TIP, WHITE), (RIGHT_TIP, BLACK)):
        x, y = landmarks[index]
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
    photo.save(folder / name)
    return MarkedParts(
        path=folder / name,
        species=Species.CAT,
        frontal=True,
        age=age,
        ears="standing",
        muzzle=None,
        coat="long",
        mouth_open=False,
        eyes="open",
        flash=True,
        landmarks=landmarks,
        outline=outline,
        eye_centres=np.stack([landmarks[:4].mean(0), landmarks[4:8].mean(0)]),
        held_out=held_out,
    )


@pytest.fixture
def face(tmp_path: Path) -> MarkedParts:
    return marked(tmp_path)


def light_at(drawn: PartPicture, index: int) -> float:
    x, y = (int(value) for value in drawn.landmarks[index])
    return float(np.asarray(drawn.picture)[y, x].mean())


def test_the_plain_picture_is_the_face_as_it_is_aligned(face: MarkedParts) -> None:
    drawn = plain_picture(face)
    assert drawn.picture.size == (SIDE, SIDE)
    left, right = drawn.landmarks[:4].mean(0), drawn.landmarks[4:8].mean(0)
    np.testing.assert_allclose((left + right) / 2, (SIDE / 2, 0.44 * SIDE), atol=0.01)
    assert np.hypot(*(right - left)) == pytest.approx(0.235 * SIDE)
    assert light_at(drawn, LEFT_TIP) > 200
    assert light_at(drawn, RIGHT_TIP) < 50


def test_marks_stay_on_their_parts_however_a_picture_is_varied(face: MarkedParts) -> None:
    random, mirrored = Random(1), 0
    for _ in range(40):
        drawn = part_picture([face], random)
        tips = [drawn.landmarks[index] for index in (LEFT_TIP, RIGHT_TIP)]
        assert tips[0][0] < tips[1][0]  # left and right are the viewer's, in mirror images too
        if not all((tip > 6).all() and (tip < SIDE - 6).all() for tip in tips):
            continue
        left, right = (light_at(drawn, index) for index in (LEFT_TIP, RIGHT_TIP))
        mirrored += left < right
        assert abs(left - right) > 40
    assert 8 < mirrored < 32


def test_targets_tell_what_is_known(face: MarkedParts) -> None:
    drawn = plain_picture(face)
    wanted = part_targets(drawn)
    torch.testing.assert_close(wanted["points"][NOSE], torch.tensor(drawn.landmarks[NOSE] / SIDE).float())
    assert wanted["seen"][NOSE] == 1
    assert wanted["seen"][LANDMARKS.index("crown")] == 0
    assert wanted["outlined"] == 1
    assert wanted["mask"].shape == (CELLS, CELLS)
    assert wanted["mask"][CELLS // 2, CELLS // 2] == 1
    assert wanted["mask"][0].max() == 0
    kinds = len(EARS) + len(MUZZLES) + len(COATS)
    assert wanted["facts"].tolist()[:kinds] == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert wanted["known"].tolist()[:kinds] == [1, 1, 1, 0, 0, 0, 1, 1, 1]
    assert dict(zip(FACTS, wanted["facts"].tolist()[kinds:], strict=True)) == {
        "mouth_open": 0,
        "eyes_open": 1,
        "flash": 1,
        "baby": 0,
    }


def test_a_face_without_an_outline_and_parts_outside_the_picture_are_not_taught(face: MarkedParts) -> None:
    landmarks = face.landmarks.copy()
    landmarks[LEFT_TIP] = -200, -200
    wanted = part_targets(plain_picture(replace(face, outline=np.empty((0, 2)), landmarks=landmarks)))
    assert wanted["outlined"] == 0
    assert wanted["mask"].max() == 0
    assert wanted["seen"][LEFT_TIP] == 0


def test_the_loss_is_least_where_maps_and_facts_are_right(face: MarkedParts) -> None:
    wanted = {name: value[None] for name, value in part_targets(plain_picture(face)).items()}
    cells = torch.arange(CELLS) + 0.5

    def answered(points: Tensor, mask: Tensor, sure: float) -> float:
        off = (cells - points[0, :, :1] * CELLS).square(), (cells - points[0, :, 1:] * CELLS).square()
        maps = -(off[1][:, :, None] + off[0][:, None, :])[None] / 2
        facts, seen = ((2 * wanted[name] - 1) * sure for name in ("facts", "seen"))
        return float(parser_loss(lambda features: (maps, mask, facts, seen), [], wanted))  # type: ignore[arg-type]

    right, mask = wanted["points"], (2 * wanted["mask"][:, None] - 1) * 6
    best = answered(right, mask, 6.0)
    assert answered(right + 0.03, mask, 6.0) > best + 0.5
    assert answered(right, -mask, 6.0) > best + 0.5
    assert answered(right, mask, -6.0) > best + 0.5


def test_a_little_training_lowers_the_loss_on_what_was_taught_alone(tmp_path: Path) -> None:
    taught, *others = (
        marked(tmp_path, "taught.png"),
        marked(tmp_path, "a.png", held_out=True),
        marked(tmp_path, "ox_a.png"),
    )
    for other in others:
        other.path.unlink()  # whoever looked at a photo that is kept, or at its copy, would fail
    options = FaceTrainingOptions(new=8, rounds=6, batch=4, learning_rate=0.02)
    before = torch.get_num_threads()
    weights = train_parser(HeadParser(), [taught, *others], [], options, 24)
    torch.set_num_threads(before)
    assert all(value.dtype is torch.float16 for value in weights.values() if value.is_floating_point())
    drawn = plain_picture(taught)
    features = load_efficientnet().features(to_tensor(np.array(drawn.picture)))[::-1][:4]
    wanted = {name: value[None] for name, value in part_targets(drawn).items()}

    def loss(parser: HeadParser) -> float:
        with torch.no_grad():
            return float(parser_loss(parser.eval(), features, wanted))

    torch.manual_seed(options.seed)
    fresh, trained = HeadParser(), HeadParser()
    trained.load_state_dict({name: value.float() for name, value in weights.items()})
    assert loss(trained) < 0.9 * loss(fresh)


def test_halfway_lie_the_means_of_weights() -> None:
    before, after = HeadParser(), HeadParser()
    between = HeadParser()
    between.load_state_dict({name: value.float() for name, value in halfway(before, after.state_dict()).items()})
    torch.testing.assert_close(
        between.mask.weight, (before.mask.weight + after.mask.weight) / 2, atol=1e-3, rtol=0, check_dtype=False
    )


@needs_shared
def test_parts_of_kept_photos_are_found() -> None:
    faces = read_parts([SHARED / name for name in ("photos", "heads", "more")])
    found = measure_parser(faces)
    assert found["n"] == 64
    assert found["eye"] < 0.05
    assert found["nose"] < 0.05
    assert max(found[part] for part in ("ear", "mouth", "chin", "cheek", "crown")) < 0.15
    assert found["iou"] > 0.88
    assert found["kinds"] > 0.8
