"""Faces are kept within a bound, and none of a photo that is to be forgotten."""

import pytest
from PIL import Image

from engine.images.jpeg import encode_jpeg
from engine.inversion.state import InvertedPhoto
from engine.messages import Species
from engine.rendering.faces import PortraitFaces, face_of
from engine.rendering.kept_faces import KeptFaces
from engine.stylegan.generator import Adjustments
from engine.stylegan.store import Network, load_embedded

PHOTO, OTHER, BABY = "aa" * 32, "bb" * 32, "cc" * 32
SIDE = 100  # px


@pytest.fixture(scope="module")
def network() -> Network:
    return load_embedded()


def faces(network: Network) -> PortraitFaces:
    photo = encode_jpeg(Image.new("RGB", (SIDE, SIDE)))
    inverted = InvertedPhoto(photo, None, network.statistics.mean[None], Adjustments(), 0.0, 0)
    return PortraitFaces(face_of(inverted, network, Species.DOG, ""), None)


def test_what_was_not_used_for_longest_goes_first(network: Network) -> None:
    first, second, third = (faces(network) for _ in range(3))
    kept = KeptFaces(2 * first.nbytes)
    kept.put("first", first, [PHOTO])
    kept.put("second", second, [PHOTO])
    assert kept.get("first") is first
    kept.put("third", third, [PHOTO])
    assert (kept.get("first"), kept.get("second"), kept.get("third")) == (first, None, third)


def test_faces_that_have_grown_are_trimmed_before_others_go(network: Network) -> None:
    first, second = faces(network), faces(network)
    usual = first.nbytes
    kept = KeptFaces(3 * usual)
    kept.put("first", first, [PHOTO])
    kept.put("second", second, [OTHER])
    first.pet.crop(SIDE)
    second.pet.crop(SIDE // 2)
    second.pet.crop(2 * SIDE)
    kept.tidy()
    assert kept.get("first") is first and kept.get("second") is second
    assert first.nbytes == usual
    assert usual < second.nbytes < 2 * usual


def test_forgetting_drops_every_portrait_of_a_photo(network: Network) -> None:
    kept = KeptFaces()
    for name, photos in {"alone": [PHOTO], "with a baby": [OTHER, PHOTO], "another": [OTHER, BABY]}.items():
        kept.put(name, faces(network), photos)
    assert kept.forget(PHOTO) == 2
    assert kept.get("alone") is kept.get("with a baby") is None
    assert kept.get("another") is not None
    assert kept.forget(PHOTO) == 0
