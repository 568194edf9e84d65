import math
from itertools import pairwise

import pytest
from PIL import Image

from engine.lab.annotations import AnnotatedPhoto, read_annotations
from engine.vision.alignment import HeadPose, head_pose
from engine.vision.face_detection import find_faces, find_heads, overlap
from engine.vision.geometry import head_size, resample, similarity, transform
from tests.shared import SHARED, needs_shared


@pytest.fixture(scope="module")
def kept() -> list[AnnotatedPhoto]:
    """Photos that the networks were not trained on, one in nine."""
    annotated_photos = [annotated for name in ("photos", "heads") for annotated in read_annotations(SHARED / name)]
    return [annotated for annotated in annotated_photos if annotated.held_out and annotated.head_pose == "frontal"][::9]


def opened(annotated: AnnotatedPhoto) -> Image.Image:
    with Image.open(annotated.path) as image:
        return image.convert("RGB")


@needs_shared
def test_heads_are_found_where_people_marked_them(kept: list[AnnotatedPhoto]) -> None:
    found = [find_heads(opened(annotated)) for annotated in kept]
    right = sum(bool(h) and overlap(h[0].box, m.head.box) >= 0.5 for h, m in zip(found, kept, strict=True))
    assert right >= len(kept) - 1


@needs_shared
def test_several_heads_in_one_photo_come_most_prominent_first(kept: list[AnnotatedPhoto]) -> None:
    large, small = opened(kept[0]), opened(kept[1])
    large = large.resize((round(large.width * 600 / large.height), 600))
    small = small.resize((round(small.width * 300 / small.height), 300))
    joined = Image.new("RGB", (large.width + small.width, 600), (90, 110, 80))
    joined.paste(large, (0, 0))
    joined.paste(small, (large.width, 150))
    heads = find_heads(joined)
    assert len(heads) == 2
    assert [head.box[0] > large.width for head in heads] == [False, True]
    assert head_size(heads[0]) * heads[0].score >= head_size(heads[1]) * heads[1].score


@needs_shared
def test_a_row_of_pets_is_seen_to_its_ends(kept: list[AnnotatedPhoto]) -> None:
    pictures = [opened(annotated) for annotated in kept[:4]]
    pictures = [picture.resize((round(picture.width * 300 / picture.height), 300)) for picture in pictures]
    row = Image.new("RGB", (sum(picture.width for picture in pictures), 300))
    starts = [sum(picture.width for picture in pictures[:i]) for i in range(5)]
    for picture, start in zip(pictures, starts, strict=False):
        row.paste(picture, (start, 0))
    middles = [(head.box[0] + head.box[2]) / 2 for head in find_heads(row)]
    for start, end in pairwise(starts):
        assert sum(start <= middle < end for middle in middles) == 1


@needs_shared
def test_marks_lie_in_the_photo_however_large_it_is(kept: list[AnnotatedPhoto]) -> None:
    photo = opened(kept[0])
    (head, *_) = find_heads(photo)
    (double, *_) = find_heads(photo.resize((photo.width * 3, photo.height * 3), Image.Resampling.BICUBIC))
    assert overlap(tuple(v * 3 for v in head.box), double.box) > 0.85  # type: ignore[arg-type]
    assert 0 <= head.box[0] < head.box[2] <= photo.width
    assert 0 <= head.box[1] < head.box[3] <= photo.height
    assert 0.5 <= head.score <= 1


@needs_shared
def test_a_profile_hides_the_eye_that_would_lie_on_the_nose() -> None:
    with Image.open(SHARED / "photos" / "pets" / "shiba_unsplash_2.jpg") as image:
        (head,) = find_heads(image.convert("RGB"))
    assert head.left_eye is None
    assert head.right_eye is not None
    assert head_pose(head) is HeadPose.PROFILE


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (640, 480), (9000, 70)])
def test_nothing_is_found_where_nothing_is(size: tuple[int, int]) -> None:
    assert find_faces(Image.new("RGB", size, (120, 160, 200))) == []


def test_overlap() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (20, 20, 30, 30)) == 0


@needs_shared
def test_a_head_tilted_by_half_a_right_angle_keeps_its_points() -> None:
    with Image.open(SHARED / "photos" / "pets" / "labrador_unsplash_2.jpg") as image:
        photo = image.convert("RGB")
    upright = find_heads(photo)[0]
    middle = (photo.width / 2, photo.height / 2)
    side = photo.width + photo.height
    turn = similarity(middle, math.radians(45), 1.0, (side / 2, side / 2))
    tilted = find_heads(resample(photo, turn, side))[0]
    for name in ("left_eye", "right_eye", "nose"):
        wanted = transform(turn, getattr(upright, name))
        assert math.dist(getattr(tilted, name), wanted) < 0.08 * head_size(upright)


@needs_shared
def test_the_body_of_a_lying_cat_is_no_second_pet() -> None:
    with Image.open(SHARED / "photos" / "pets" / "Siamese_91.jpg") as photo:
        assert len(find_heads(photo.convert("RGB"))) == 1
