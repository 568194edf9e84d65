import pytest
from PIL import Image

from engine.breeds import BREEDS
from engine.lab.annotations import read_annotations
from engine.lab.recogniser.measure import measure
from engine.messages import Species
from engine.vision.recognition import Recognised, load_breed_rows, recognise
from tests.shared import SHARED, needs_shared

PETLESS = sorted((SHARED / "photos" / "awkward").glob("nonpet_*"))


def seen(name: str) -> Recognised:
    with Image.open(SHARED / "photos" / name) as image:
        return recognise(image.convert("RGB"))


@needs_shared
@pytest.mark.parametrize(
    ("name", "species", "breed"),
    [
        ("pets/shiba_unsplash_2.jpg", Species.DOG, "shiba_inu"),
        ("pets/samoyed_unsplash_2.jpg", Species.DOG, "samoyed"),
        ("pets/poodle_fredrik-ohlander.jpg", Species.DOG, "poodle"),
        ("pets/Bengal_10.jpg", Species.CAT, "bengal"),
        ("pets/Persian_111.jpg", Species.CAT, "persian"),
    ],
)
def test_pets_are_known_by_species_and_breed(name: str, species: Species, breed: str) -> None:
    found = seen(name)
    assert found.pet
    assert found.species is species
    assert breed in [guess.breed for guess in found.breeds[:3]]
    assert len(found.heads) == 1


@needs_shared
def test_guesses_are_of_the_species_likeliest_first_and_add_up() -> None:
    found = seen("pets/beagle_14.jpg")
    chances = [guess.probability for guess in found.breeds]
    assert chances == sorted(chances, reverse=True)
    assert 0.5 < sum(chances) <= 1.0001
    assert all(BREEDS[guess.breed].species is found.species for guess in found.breeds)


@needs_shared
@pytest.mark.parametrize("name", [path.name for path in PETLESS if "iguana" not in path.name])
def test_no_pet_where_none_is(name: str) -> None:
    found = seen(f"awkward/{name}")
    assert not found.pet
    assert found.species is None
    assert found.breeds == ()


def beside(*names: str) -> Image.Image:
    """Photos in a row, each 480 pixels high."""
    parts = []
    for name in names:
        with Image.open(SHARED / "photos" / name) as image:
            parts.append(image.convert("RGB").resize((round(image.width * 480 / image.height), 480)))
    row = Image.new("RGB", (sum(part.width for part in parts), 480))
    left = 0
    for part in parts:
        row.paste(part, (left, 0))
        left += part.width
    return row


@needs_shared
def test_a_person_beside_a_pet_is_no_head() -> None:
    astronaut, labrador = "awkward/nonpet_person_astronaut.png", "pets/labrador_unsplash_2.jpg"
    photo = beside(astronaut, labrador, astronaut)
    found = recognise(photo)
    assert found.species is Species.DOG
    (head,) = found.heads
    assert 480 < head.box[0] < head.box[2] < photo.width - 480


@needs_shared
def test_the_heads_of_several_pets_are_all_kept() -> None:
    found = recognise(beside("pets/labrador_unsplash_2.jpg", "pets/samoyed_unsplash_2.jpg", "pets/Persian_111.jpg"))
    assert len(found.heads) == 3


@needs_shared
def test_each_of_several_pets_is_known_by_itself() -> None:
    names = {"samoyed": "pets/samoyed_unsplash_2.jpg", "bengal": "pets/Bengal_10.jpg", "beagle": "pets/beagle_14.jpg"}
    found = recognise(beside(*names.values()))
    by_place = sorted(zip(found.heads, found.guesses, strict=True), key=lambda pair: pair[0].box[0])
    assert [guess.breeds[0].breed for _, guess in by_place] == list(names)
    assert [guess.species for _, guess in by_place] == [Species.DOG, Species.CAT, Species.DOG]


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (320, 240)])
def test_a_plain_picture_shows_no_pet(size: tuple[int, int]) -> None:
    found = recognise(Image.new("RGB", size, (200, 180, 160)))
    assert not found.pet


def test_every_row_speaks_for_a_breed() -> None:
    rows = load_breed_rows()
    assert rows.weight.shape == (len(rows.breeds), 1280)
    assert rows.bias.shape == (len(rows.breeds),)
    assert set(rows.breeds) <= set(BREEDS)
    assert {slug for slug, breed in BREEDS.items() if breed.imagenet} <= set(rows.breeds)
    assert {"shiba_inu", "bichon_frise", "dachshund", "ragdoll", "domestic_shorthair"} <= set(rows.breeds)


@pytest.mark.heavy
@needs_shared
def test_the_promised_numbers_hold_on_the_photos_kept_out_of_training() -> None:
    annotated_photos = [annotated for name in ("photos", "heads") for annotated in read_annotations(SHARED / name)]
    report = measure([annotated for annotated in annotated_photos if annotated.held_out], PETLESS)
    assert report["species_right"] >= 0.97, report
    assert report["petless_right"] >= 0.95, report
    assert report["pets_missed"] <= 0.03, report
    assert report["breed_first_three"] >= 0.85, report
    assert report["heads_half"] >= 0.98, report
    assert report["mean_overlap"] >= 0.85, report
    assert report["points_near"] >= 0.98, report
    assert report["median_miss"] <= 0.013, report
