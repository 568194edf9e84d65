import re

from engine.breeds import BREEDS
from engine.messages import Species


def test_every_imagenet_class_of_a_pet_belongs_to_one_breed() -> None:
    classes = sorted(index for breed in BREEDS.values() for index in breed.imagenet)
    assert classes == [*range(151, 269), *range(281, 286)]


def test_species_follow_imagenets_order() -> None:
    for breed in BREEDS.values():
        assert all((index >= 281) == (breed.species is Species.CAT) for index in breed.imagenet)


def test_slugs_name_themselves_in_snake_case() -> None:
    for slug, breed in BREEDS.items():
        assert breed.slug == slug
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", slug)


def test_the_breeds_of_the_first_version_are_known() -> None:
    first = {
        "bichon_frise",
        "shiba_inu",
        "yorkshire_terrier",
        "samoyed",
        "golden_retriever",
        "poodle",
        "welsh_corgi",
        "maltese",
    }
    assert first <= set(BREEDS)


def test_each_species_has_a_mixed_breed() -> None:
    assert BREEDS["mixed_dog"].species is Species.DOG
    assert BREEDS["mixed_cat"].species is Species.CAT
