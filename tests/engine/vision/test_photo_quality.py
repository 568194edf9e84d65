"""What is said of real photos before any work, and which one of several is the best."""

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from engine.images import decoding
from engine.messages import HeadQuality, PhotoIssue
from engine.vision.face_detection import find_heads
from engine.vision.photo_quality import measure_quality
from tests.shared import SHARED, needs_shared

pytestmark = [needs_shared, pytest.mark.usefixtures("one_thread")]


def photo(name: str) -> Image.Image:
    return decoding.decode((SHARED / "photos" / name).read_bytes())


def measured(image: Image.Image) -> HeadQuality:
    return measure_quality(image, find_heads(image)[0])[0]


@pytest.mark.parametrize(
    ("name", "issue"),
    [
        ("awkward/pet_Abyssinian_18.jpg", PhotoIssue.DARK),
        ("awkward/derived_motion_blur.jpg", PhotoIssue.BLURRY),
        ("awkward/derived_tiny_64.png", PhotoIssue.FAR),
        ("pets/samoyed_unsplash_4.jpg", PhotoIssue.TURNED),
        ("pets/newfoundland_158.jpg", PhotoIssue.COVERED),
        ("pets/Russian_Blue_110.jpg", PhotoIssue.EYES_CLOSED),
        ("pets/beagle_14.jpg", None),
        ("pets/Bombay_81.jpg", None),  # a black cat is not in the dark
    ],
)
def test_issues_of_real_photos(name: str, issue: PhotoIssue | None) -> None:
    found = measured(photo(name))
    assert issue in found.issues if issue else found.issues == ()


def test_what_would_be_refused_is_unusable_and_of_least_quality() -> None:
    found = measured(photo("pets/shiba_unsplash_2.jpg"))
    assert not found.usable and found.quality < 0.1


def test_a_sleepy_face_is_usable_but_worth_less_than_an_awake_one() -> None:
    sleepy = measured(photo("pets/Siamese_91.jpg"))
    assert sleepy.usable and sleepy.quality < measured(photo("pets/beagle_14.jpg")).quality * 0.7


def test_the_better_of_two_photos_of_one_pet_has_more_quality() -> None:
    sharp = photo("pets/labrador_unsplash_2.jpg")
    head = find_heads(sharp)[0]
    good, _ = measure_quality(sharp, head)
    blurred, _ = measure_quality(sharp.filter(ImageFilter.GaussianBlur(8)), head)
    dark, _ = measure_quality(ImageEnhance.Brightness(sharp).enhance(0.15), head)
    assert good.usable and good.issues == () and good.quality > 0.8
    assert blurred.issues == (PhotoIssue.BLURRY,) and dark.issues[0] is PhotoIssue.DARK
    assert max(blurred.quality, dark.quality) < good.quality / 2
