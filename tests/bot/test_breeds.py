import tomllib
from pathlib import Path

import pytest

import bot
from bot.breeds import breed_name, match_breed
from engine.breeds import BREEDS

LANGUAGES = sorted((Path(bot.__file__).parent / "texts" / "breeds").glob("*.toml"))


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_names_every_breed_once(path: Path) -> None:
    names = tomllib.loads(path.read_text("utf-8"))
    assert list(names) == list(BREEDS)
    for slug, known in names.items():
        assert known, slug
        assert len(set(known)) == len(known), slug
        assert all(name == name.strip() and name for name in known), slug


def test_names_shown_differ_within_a_species() -> None:
    for path in LANGUAGES:
        shown = [(BREEDS[slug].species, breed_name(slug, path.stem)) for slug in BREEDS]
        assert len(set(shown)) == len(shown)


def test_english_names_are_the_engines() -> None:
    assert {slug: breed_name(slug, "en") for slug in BREEDS} == {slug: breed.name for slug, breed in BREEDS.items()}


def test_a_language_without_breeds_falls_back_to_english() -> None:
    assert breed_name("maltese", "ko") == "말티즈"
    assert breed_name("maltese", "fi") == "Maltese"
    with pytest.raises(KeyError):
        breed_name("unicorn", "ko")


@pytest.mark.parametrize("slug", BREEDS)
@pytest.mark.parametrize("language", [path.stem for path in LANGUAGES])
def test_typing_the_name_shown_finds_its_breed_first(slug: str, language: str) -> None:
    assert match_breed(breed_name(slug, language), language)[0] == slug


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("말티즈", "maltese"),
        ("말티스", "maltese"),
        ("MALTESE", "maltese"),
        ("yorkie", "yorkshire_terrier"),
        ("Königspudel", "poodle"),
        ("EKH", "domestic_shorthair"),
        ("しばいぬ", "shiba_inu"),
        ("豆柴", "shiba_inu"),
        ("橘猫", "tabby"),
        ("土狗", "mixed_dog"),
        ("cavvy", "cavalier_king_charles_spaniel"),
        ("요키", "yorkshire_terrier"),
        ("goldn retriver", "golden_retriever"),
        ("German shepard", "german_shepherd"),
        ("토이 푸들", "poodle"),
        ("dachshound", "dachshund"),
        ("코숏", "domestic_shorthair"),
        ("petit basset griffon vendeen", "petit_basset_griffon_vendeen"),
        ("웰시 코기", "welsh_corgi"),
        ("비숑", "bichon_frise"),
    ],
)
def test_names_are_found_in_any_language_and_with_typing_errors(typed: str, slug: str) -> None:
    for language in ("en", "ko"):
        assert match_breed(typed, language)[0] == slug


def test_part_of_a_name_finds_all_that_carry_it() -> None:
    assert {"golden_retriever", "labrador_retriever"} <= set(match_breed("retriever", "en"))


@pytest.mark.parametrize("typed", ["", "   ", "xyzzy", "!!", "my dog is very nice and I love her"])
def test_nothing_near_finds_nothing(typed: str) -> None:
    assert match_breed(typed, "en") == []
