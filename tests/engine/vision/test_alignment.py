import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.messages import Head
from engine.vision.alignment import FaceTemplate, HeadPose, align, align_to, head_pose
from engine.vision.geometry import resample, similarity, transform

HEAD = Head((60.0, 40.0, 160.0, 150.0), (92.0, 90.0), (131.0, 84.0), (113.0, 118.0), 0.9)


def photo(width: int = 240, height: int = 200) -> Image.Image:
    """A smooth picture in which every place has its own colour."""
    x, y = np.meshgrid(np.linspace(30, 220, width), np.linspace(30, 220, height))
    return Image.fromarray(np.stack([x, y, 250 - (x + y) / 2], 2).astype(np.uint8))


def test_storybook_levels_the_eyes_where_the_network_expects_them() -> None:
    alignment = align_to((240, 200), HEAD, FaceTemplate.STORYBOOK, 256)
    assert HEAD.left_eye is not None and HEAD.right_eye is not None
    (left_x, left_y), (right_x, right_y) = alignment.to_crop(HEAD.left_eye), alignment.to_crop(HEAD.right_eye)
    assert left_y == pytest.approx(0.44 * 256)
    assert right_y == pytest.approx(0.44 * 256)
    assert right_x - left_x == pytest.approx(0.235 * 256)
    assert (left_x + right_x) / 2 == pytest.approx(128)


def test_afhq_fills_the_square_with_the_head() -> None:
    alignment = align_to((240, 200), HEAD, FaceTemplate.AFHQ, 512)
    side = math.sqrt(100 * 110) * alignment.scale
    assert 0.85 * 512 < side < 512
    middle = alignment.to_crop((110.0, 95.0))
    assert all(abs(v - 256) < 20 for v in middle)


@pytest.mark.parametrize("template", FaceTemplate)
def test_the_way_back_leads_where_it_came_from(template: FaceTemplate) -> None:
    alignment = align_to((240, 200), HEAD, template, 300)
    assert alignment.to_photo(alignment.to_crop((17.0, 170.5))) == pytest.approx((17.0, 170.5))
    assert alignment.scaled(600).to_crop((50.0, 60.0)) == pytest.approx(
        tuple(2 * v for v in alignment.to_crop((50.0, 60.0)))
    )


@pytest.mark.parametrize("size", [48, 256, 700])
def test_the_crop_shows_what_lies_under_it(size: int) -> None:
    image = photo()
    crop, alignment = align(image, HEAD, FaceTemplate.AFHQ, size)
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8
    for x, y in ((0.3, 0.3), (0.5, 0.5), (0.7, 0.4)):
        column, row = alignment.to_photo((x * size, y * size))
        expected = np.asarray(image)[int(row), int(column)]
        assert np.abs(crop[int(y * size), int(x * size)].astype(int) - expected).max() <= 4


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    crop, _ = align(Image.fromarray(stripes), None, FaceTemplate.AFHQ, 100)
    assert crop.std() < 6
    assert abs(float(crop.mean()) - 127.5) < 2


def test_beyond_the_border_the_photo_goes_on_without_a_second_face() -> None:
    image = Image.new("RGB", (200, 200), (90, 140, 90))
    drawing = ImageDraw.Draw(image)
    head = Head((0.0, 60.0, 60.0, 120.0), (19.0, 85.0), (40.0, 85.0), (30.0, 100.0), 1.0)
    for eye in (head.left_eye, head.right_eye):
        assert eye is not None
        drawing.ellipse((eye[0] - 3, eye[1] - 3, eye[0] + 3, eye[1] + 3), fill=(0, 0, 0))
    crop, alignment = align(image, head, FaceTemplate.STORYBOOK, 256)
    border = alignment.to_crop((0.0, 85.0))[0]
    assert border > 40  # the crop does leave the photo
    twin = alignment.to_crop((-19.0, 85.0))
    assert crop[int(twin[1]), int(twin[0])].min() > 45  # the mirrored eye has blurred away
    assert crop.min(axis=2)[:, :5].min() > 60  # and nothing is black


def test_a_photo_smaller_than_the_crop_is_mirrored_as_often_as_it_takes() -> None:
    head = Head((0.0, 0.0, 20.0, 20.0), (7.0, 9.0), (14.0, 9.0), (10.0, 13.0), 1.0)
    crop, _ = align(photo(20, 20), head, FaceTemplate.STORYBOOK, 128)
    assert crop.min() > 20


def test_a_hidden_eye_is_inferred() -> None:
    profile = Head((50.0, 50.0, 150.0, 150.0), None, (120.0, 95.0), (148.0, 120.0), 1.0)
    alignment = align_to((300, 300), profile, FaceTemplate.STORYBOOK, 256)
    x, y = alignment.to_crop((120.0, 95.0))
    assert y == pytest.approx(0.44 * 256)
    assert 128 <= x < 180
    blind = Head((50.0, 50.0, 150.0, 150.0), None, None, None, 1.0)
    assert align_to((300, 300), blind, FaceTemplate.STORYBOOK, 256).to_crop((100.0, 94.0)) == pytest.approx(
        (128, 112.64)
    )


def test_a_turned_face_is_not_magnified_beyond_its_size() -> None:
    turned = Head((50.0, 50.0, 150.0, 150.0), (130.0, 95.0), (138.0, 95.0), (145.0, 120.0), 1.0)
    assert align_to((300, 300), turned, FaceTemplate.STORYBOOK, 256).scale < 2.5


def test_a_hanging_head_is_turned_upright() -> None:
    hanging = Head((50.0, 50.0, 150.0, 150.0), (80.0, 110.0), (116.0, 110.0), (98.0, 85.0), 1.0)
    alignment = align_to((300, 300), hanging, FaceTemplate.STORYBOOK, 256)
    assert hanging.nose is not None
    assert alignment.to_crop(hanging.nose)[1] > 0.44 * 256


def test_without_a_head_the_middle_of_the_photo_is_taken() -> None:
    alignment = align_to((400, 200), None, FaceTemplate.STORYBOOK, 100)
    assert alignment.to_crop((200.0, 100.0)) == pytest.approx((50, 50))
    assert alignment.to_crop((100.0, 0.0)) == pytest.approx((0, 0))


def test_views() -> None:
    box = (0.0, 0.0, 100.0, 100.0)
    assert head_pose(Head(box, (32.0, 45.0), (68.0, 45.0), (50.0, 70.0), 1.0)) is HeadPose.FRONTAL
    assert head_pose(Head(box, (45.0, 45.0), (75.0, 45.0), (78.0, 70.0), 1.0)) is HeadPose.THREE_QUARTER
    assert head_pose(Head(box, None, (75.0, 45.0), (95.0, 70.0), 1.0)) is HeadPose.PROFILE
    tilted = Head(box, (38.0, 32.0), (62.0, 58.0), (33.0, 63.0), 1.0)
    assert head_pose(tilted) is HeadPose.FRONTAL


@pytest.mark.parametrize("scale", [0.07, 0.5, 3.0])
def test_resampling_keeps_places(scale: float) -> None:
    image = photo(600, 500)
    matrix = similarity((300.0, 250.0), 0.3, scale, (64.0, 64.0))
    drawn = np.asarray(resample(image, matrix, 128))
    for point in ((300.0, 250.0), (300 + 20 / scale, 250 - 10 / scale)):
        column, row = transform(matrix, point)
        expected = np.asarray(image)[int(point[1]), int(point[0])]
        assert np.abs(drawn[int(row), int(column)].astype(int) - expected).max() <= 8
