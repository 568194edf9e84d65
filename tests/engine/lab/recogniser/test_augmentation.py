from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.lab.annotations import AnnotatedPhoto
from engine.lab.recogniser.augmentation import detector_picture, landmark_picture
from engine.messages import Head, Point, Species
from engine.vision.alignment import HeadPose
from engine.vision.face_models import DETECTOR_SIDE, LANDMARK_SIDE
from engine.vision.geometry import head_size

LEFT, RIGHT, NOSE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def annotated(tmp_path: Path) -> AnnotatedPhoto:
    """A grey photo with coloured spots where the marks are."""
    head = Head((60.0, 50.0, 160.0, 160.0), (90.0, 95.0), (130.0, 95.0), (110.0, 125.0), 1.0)
    photo = Image.new("RGB", (240, 200), (127, 127, 127))
    drawing = ImageDraw.Draw(photo)
    for point, colour in ((head.left_eye, LEFT), (head.right_eye, RIGHT), (head.nose, NOSE)):
        assert point is not None
        drawing.ellipse((point[0] - 6, point[1] - 6, point[0] + 6, point[1] + 6), fill=colour)
    photo.save(tmp_path / "photo.png")
    return AnnotatedPhoto(tmp_path / "photo.png", head, Species.DOG, HeadPose.FRONTAL, "", True, "CC0", False)


def test_marks_follow_every_change_of_the_picture(annotated: AnnotatedPhoto) -> None:
    random = Random(1)
    followed = 0
    for _ in range(40):
        drawn = landmark_picture([annotated], random)
        assert drawn.picture.size == (LANDMARK_SIDE, LANDMARK_SIDE)
        for head in drawn.heads:
            assert drawn.young is True
            spots = [_spot(drawn.picture, point) for point in (head.left_eye, head.right_eye, head.nose)]
            if any(max(spot) - min(spot) < 60 for spot in spots):
                continue  # turned grey
            nose_at = max(range(3), key=lambda i: spots[2][i])
            eyes_at = {max(range(3), key=lambda i: spot[i]) for spot in spots[:2]}
            assert nose_at == 2
            assert eyes_at == {0, 1}
            followed += 1
    assert followed > 20


def test_the_left_eye_stays_on_the_viewers_left(annotated: AnnotatedPhoto) -> None:
    random = Random(2)
    for _ in range(40):
        for head in landmark_picture([annotated], random).heads:
            assert head.left_eye is not None and head.right_eye is not None
            assert head.left_eye[0] < head.right_eye[0]


def test_finder_pictures_hold_none_one_or_several_heads_within_their_borders(annotated: AnnotatedPhoto) -> None:
    random = Random(3)
    counts = set()
    for _ in range(60):
        drawn = detector_picture([annotated], random)
        assert drawn.picture.size == (DETECTOR_SIDE, DETECTOR_SIDE)
        counts.add(len(drawn.heads))
        for head in drawn.heads:
            x0, y0, x1, y1 = head.box
            assert -1e-6 <= x0 < x1 <= DETECTOR_SIDE + 1e-6
            assert -1e-6 <= y0 < y1 <= DETECTOR_SIDE + 1e-6
            assert head_size(head) > 8
    assert counts == {0, 1, 2, 4}


def _spot(picture: Image.Image, point: Point | None) -> tuple[float, ...]:
    assert point is not None
    x, y = (min(LANDMARK_SIDE - 3, max(2, int(v))) for v in point)
    return tuple(np.asarray(picture)[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(0))
