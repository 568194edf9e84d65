"""Pairs for films are of one breed where they can be, and no animal is in two."""

from itertools import islice
from pathlib import Path

import pytest

from engine.errors import OperatorError
from engine.lab.judging.film_pairs import PairedPhoto, choose_pairs
from engine.lab.judging.rendered_results import Kinds
from engine.messages import Head, Species
from tests.engine.lab.drawn_photos import write_photos

BREEDS = ["samoyed", "beagle", "siamese"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three adults of each of three breeds, and two young ones of each."""
    for seed in range(3):
        write_photos(tmp_path, BREEDS, seed=seed, more=seed > 0)
    for seed in range(2):
        write_photos(tmp_path, BREEDS, young=True, seed=seed, more=True)
    return tmp_path


def test_a_pair_of_each_breed_comes_before_a_second_one(photos: Path) -> None:
    pairs = list(islice(choose_pairs([photos], 0), 6))
    assert [pair.young.breed for pair in pairs] == [pair.adult.breed for pair in pairs]
    assert sorted(pair.adult.breed for pair in pairs[:3]) == sorted(BREEDS)
    animals = [photo.animal for pair in pairs for photo in (pair.young, pair.adult)]
    assert len(set(animals)) == 12
    assert all("young" in pair.young.path.stem and "adult" in pair.adult.path.stem for pair in pairs)


def test_the_seed_chooses(photos: Path) -> None:
    def names(seed: int) -> list[str]:
        return [pair.name for pair in choose_pairs([photos], seed)]

    assert names(1) == names(1) != names(2)


def test_without_a_young_one_of_the_breed_one_of_the_same_species_ears_and_coat_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(tmp_path, ["samoyed", "siamese"])
    write_photos(tmp_path, ["beagle", "pug", "shiba_inu", "tabby"], young=True, seed=1, more=True)

    def kinds(photo: PairedPhoto) -> Kinds:
        return Kinds("hanging" if photo.breed in ("beagle", "pug") else "standing", "middle", "short")

    monkeypatch.setattr(PairedPhoto, "kinds", property(kinds))
    pairs = {pair.adult.breed: pair.young.breed for pair in choose_pairs([tmp_path], 0)}
    assert pairs == {"samoyed": "shiba_inu", "siamese": "tabby"}


def test_copies_of_a_photo_and_a_series_are_one_animal() -> None:
    def animal(name: str) -> str:
        return PairedPhoto(Path(name), Species.DOG, "", Head((0, 0, 1, 1), None, None, None, 1.0), ()).animal

    assert animal("ox_Bengal_74.jpg") == animal("Bengal__young__Bengal_74.jpg") != animal("ox_Bengal_75.jpg")
    assert animal("dog6_00.jpg") == animal("corgi__young__dreambooth_dog6_01.jpg") != animal("dog5_00.jpg")


def test_without_young_animals_there_are_no_pairs(tmp_path: Path) -> None:
    write_photos(tmp_path, BREEDS)
    with pytest.raises(OperatorError, match="no young face"):
        next(choose_pairs([tmp_path], 0))
