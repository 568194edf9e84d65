"""A data folder of version 0.1.0 opens, and its portraits go on.

`home-0.1.0.tar.xz` was made by that version's bot and engine, in its own test harness, with drawn pets of 256 px. Mina
(id 1003) sent a black Labrador, which was made young and named Momo; a picture of nothing; and a Siamese cat, whose
breed the bot had asked for when it was stopped. The engine's cache lies in it too.
"""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine import EngineClient, EngineSettings, Reimagine, Rejuvenate
from storage import NO_FAILURE, Kind, Portrait, State, Storage

ARCHIVE = Path(__file__).parent / "home-0.1.0.tar.xz"
MINA = 1003
RESULTS = {Kind.STILL: b"\xff\xd8", Kind.WHOLE: b"\xff\xd8", Kind.CARD: b"\xff\xd8", Kind.FILM: b"\0\0\0 ftyp"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


async def portraits(storage: Storage) -> tuple[Portrait, Portrait, Portrait]:
    done, failed, asked = await storage.portraits.of_owner(MINA)
    return done, failed, asked


async def test_portraits_pets_and_results_are_as_they_were(home: Path) -> None:
    async with Storage(home) as storage:
        done, failed, asked = await portraits(storage)
        assert [one.state for one in (done, failed, asked)] == [State.DONE, State.FAILED, State.AWAITING_BREED]
        assert (done.species, done.breed, done.name) == ("dog", "labrador_retriever", "Momo")
        assert done.failure == NO_FAILURE
        assert failed.failure.reason == "no_pet"
        assert (asked.species, asked.breed) == ("cat", None)
        assert [pet.name for pet in await storage.pets.of_owner(MINA)] == ["Momo"]
        assert await storage.lookup.with_results(MINA) == [done]  # what /history lists
        for result in await storage.results.of(done.id):
            assert (result.file_id is not None) == result.wanted
            assert result.digest is not None
            assert (await storage.media.read(result.digest)).startswith(RESULTS[result.kind])


async def test_an_open_question_can_be_answered(home: Path) -> None:
    async with Storage(home) as storage:
        _, _, asked = await portraits(storage)
        assert await storage.lookup.by_photo_message(asked.chat, asked.message) == asked
        answered = await storage.portraits.advance(asked.id, State.AWAITING_BABY_PHOTO, storage.now(), breed="siamese")
        assert answered is not None
        assert (answered.state, answered.breed) == (State.AWAITING_BABY_PHOTO, "siamese")


async def test_another_age_takes_the_place_of_an_old_result(home: Path) -> None:
    async with Storage(home) as storage:
        done, _, _ = await portraits(storage)
        assert await storage.results.show_age(done.id, 0.75)
        wanted = await storage.results.unsent(done.id)
        assert [(one.kind, one.age) for one in wanted] == [(Kind.STILL, 0.75), (Kind.FILM, 0.75)]
        shown = [await storage.results.shown_instead(one) for one in wanted]
        assert all(one is not None and one.message for one in shown)
        assert await storage.verdicts.of(done.id, done.age) is None


async def test_what_is_deleted_leaves_nothing_behind(home: Path) -> None:
    async with Storage(home) as storage:
        await storage.people.forget(MINA)
        assert await storage.portraits.of_owner(MINA) == []
    assert not [path for path in (home / "media").rglob("*") if path.is_file()]


async def test_another_age_is_made_from_the_kept_state(home: Path) -> None:
    async with Storage(home) as storage, EngineClient(EngineSettings(home, "cpu")) as engine:
        done, _, _ = await portraits(storage)
        assert done.latent is not None
        latent = await storage.media.read(done.latent)
        half, whole = [await engine.reimagine(Reimagine("half", latent, age, film=False)) for age in (0.5, 1.0)]
        assert half.age == 0.5
        pictures = [Image.open(BytesIO(made.still)).convert("RGB") for made in (half, whole)]
        assert {picture.size for picture in pictures} == {(512, 512)}
        assert pictures[0].tobytes() != pictures[1].tobytes()


async def test_its_photo_is_made_young_with_the_old_cache_there(home: Path) -> None:
    async with Storage(home) as storage, EngineClient(EngineSettings(home, "cpu")) as engine:
        done, _, _ = await portraits(storage)
        assert done.photo is not None
        photo = await storage.media.read(done.photo)
        made = await engine.rejuvenate(Rejuvenate("again", photo, breed="labrador_retriever"))
        assert made.breed == "labrador_retriever"
        assert made.film.mp4.startswith(RESULTS[Kind.FILM])
