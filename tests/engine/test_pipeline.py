"""One photo's way through the engine, with a tiny network: every job's steps and its answer."""

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image

from engine.device import choose_device
from engine.errors import EngineFault, OperatorError, PhotoError, PhotoReason
from engine.images.decoding import decode, full_size
from engine.inversion.state import PortraitState
from engine.messages import (
    Answer,
    BreedGuess,
    CardText,
    Describe,
    Description,
    Forget,
    Forgotten,
    Head,
    HeadGuess,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Species,
    Stage,
)
from engine.pipeline import Pipeline
from engine.process.cache import FOLDER
from engine.process.eta import WORK
from engine.process.jobs import Job, JobStep
from engine.rendering.film import FilmOptions
from engine.settings import EngineSettings
from engine.step_runner import result_of
from engine.stylegan.store import NetworkStore
from engine.subject import scaled
from engine.vision.cropping import SIDE
from engine.vision.face_detection import Face
from engine.vision.recognition import Recognised, recognise
from tests.engine.tiny import NAME, drawn_photo, store_tiny_network
from tests.shared import SHARED, needs_shared

_Wanted = TypeVar("_Wanted", bound=Answer)

FILM = FilmOptions(duration_s=0.5, hold_s=0.1, keys=4)
CARD = CardText("", "Then", "Now", "today")


def finished(job: Job, kind: type[_Wanted]) -> tuple[_Wanted, list[JobStep]]:
    """The job's answer and its steps."""
    steps: list[JobStep] = []
    answer = result_of(job, steps.append)
    assert isinstance(answer, kind)
    return answer, steps


def picture(jpeg: bytes | None) -> Image.Image:
    assert jpeg is not None
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image


@pytest.fixture(scope="module")
def photo() -> bytes:
    return drawn_photo()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    store_tiny_network(home)
    return home


@pytest.fixture(scope="module")
def here(home: Path) -> EngineSettings:
    return EngineSettings(home, device="cpu", network=NAME)


@pytest.fixture(scope="module")
def pipeline(here: EngineSettings) -> Iterator[Pipeline]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so small a network more cost more than they bring
    yield Pipeline(here, FILM)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(pipeline: Pipeline, photo: bytes) -> tuple[Rejuvenation, list[JobStep]]:
    request = Rejuvenate("a", photo, breed="samoyed", anyway=True, card=CARD)
    return finished(pipeline.begin(request), Rejuvenation)


def test_it_passes_all_stages_in_order(made: tuple[Rejuvenation, list[JobStep]]) -> None:
    _, steps = made
    assert list(dict.fromkeys(step.stage for step in steps)) == list(WORK)
    for stage in WORK:
        shares = [step.share for step in steps if step.stage is stage]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 1


def test_the_answer_is_complete(made: tuple[Rejuvenation, list[JobStep]]) -> None:
    answer, steps = made
    assert (answer.id, answer.species, answer.breed, answer.network) == ("a", Species.DOG, "samoyed", NAME)
    assert picture(answer.still).size == (SIDE, SIDE)
    assert picture(answer.whole).size == (256, 256)
    assert min(picture(answer.card).size) > SIDE
    assert answer.film.mp4[4:8] == b"ftyp"
    assert answer.steps == sum(len(step.searches) for step in steps)
    assert answer.distance > 0
    assert answer.device == "cpu"


def test_the_same_photo_is_not_projected_again(
    pipeline: Pipeline, photo: bytes, made: tuple[Rejuvenation, list[JobStep]]
) -> None:
    for asked, stage in (
        (Rejuvenate("again", photo, breed="samoyed", anyway=True, age=0.5), Stage.FILMING),
        (Rejuvenate("other", drawn_photo(seed=1), breed="samoyed", anyway=True), Stage.PROJECTING),
    ):
        job = pipeline.begin(asked)
        assert next(step.stage for step in job if step.stage is not Stage.ALIGNING) is stage
        job.close()


def test_a_latent_alone_is_enough_for_another_age(pipeline: Pipeline, made: tuple[Rejuvenation, list[JobStep]]) -> None:
    latent = made[0].latent
    same, _ = finished(pipeline.begin(Reimagine("b", latent, 1.0, film=False, card=CARD)), Reimagined)
    assert difference(same.still, made[0].still) < 3
    assert difference(same.whole, made[0].whole) < 3
    assert picture(same.card).size == picture(made[0].card).size
    assert same.film is None
    now, _ = finished(pipeline.begin(Reimagine("c", latent, 0.0, film=False)), Reimagined)
    assert now.card is None
    half, _ = finished(pipeline.begin(Reimagine("d", latent, 0.5, film=False)), Reimagined)
    assert 0 < difference(half.still, now.still) < difference(same.still, now.still)


def difference(first: bytes | None, second: bytes | None) -> float:
    """Mean absolute difference of two JPEGs, in levels of 255."""
    return float(np.abs(np.asarray(picture(first), float) - np.asarray(picture(second), float)).mean())


def test_with_a_baby_photo_the_way_leads_from_there(pipeline: Pipeline, photo: bytes) -> None:
    baby_photo = drawn_photo(seed=2)
    request = Rejuvenate("a", photo, breed="samoyed", baby_photo=baby_photo, anyway=True)
    answer, _ = finished(pipeline.begin(request), Rejuvenation)
    latent = PortraitState.from_bytes(answer.latent)
    assert latent.baby is not None
    now, _ = finished(pipeline.begin(Reimagine("b", answer.latent, 0.0, film=False)), Reimagined)
    baby = np.asarray(decode(baby_photo).resize((SIDE, SIDE)), float)
    (true, foretold), (same, today) = (halves(answer.still), halves(now.still))
    assert np.abs(true - baby).mean() < np.abs(today - baby).mean()
    assert np.abs(true - same).mean() < 3 < np.abs(foretold - today).mean()
    thumbnail = np.asarray(picture(answer.film.thumbnail).resize((64, 64)), float)
    first, last = (np.asarray(Image.fromarray(one.astype(np.uint8)).resize((64, 64)), float) for one in (true, today))
    assert np.abs(thumbnail - first).mean() < np.abs(thumbnail - last).mean()


def halves(still: bytes) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The true baby and the one foretold, side by side in a still, as levels [S, S, 3]."""
    both = np.asarray(picture(still), float)
    return both[:, :SIDE], both[:, -SIDE:]


def searched_for(job: Job, pipeline: Pipeline) -> Job:
    """The job with every step of its searches taken as the scheduler has them taken."""
    while True:
        try:
            step = next(job)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        pipeline.advance(step.searches)
        assert not any(search.pending for search in step.searches), "not all have shared a batch"
        yield step


def test_both_photos_are_searched_at_the_same_time_and_found_as_each_alone(pipeline: Pipeline, home: Path) -> None:
    first, second = drawn_photo(seed=6), drawn_photo(seed=7)
    # Alone, so that nothing is prepared aside: then both begin at the same step, however busy the machine is.
    job = pipeline.begin(Rejuvenate("a", first, breed="samoyed", baby_photo=second, anyway=True, alone=True))
    answer, steps = finished(searched_for(job, pipeline), Rejuvenation)
    together = PortraitState.from_bytes(answer.latent)
    assert together.baby is not None
    assert {len(step.searches) for step in steps if step.searches} == {2}
    for stage in (Stage.PROJECTING, Stage.LOCKING):
        shares = [step.share for step in steps if step.stage is stage]
        assert shares == sorted(shares)
    finished(pipeline.begin(Forget("b", tuple(hashlib.sha256(one).hexdigest() for one in (first, second)))), Forgotten)
    spread = NetworkStore(home).load(NAME).statistics.spread
    for photo, found in ((first, together.pet), (second, together.baby)):
        one, _ = finished(pipeline.begin(Rejuvenate("c", photo, breed="samoyed", anyway=True)), Rejuvenation)
        alone = PortraitState.from_bytes(one.latent).pet
        assert alone.steps == found.steps > 0
        torch.testing.assert_close(found.ws, alone.ws, rtol=1e-3, atol=1e-3 * spread)


@pytest.mark.parametrize("changed", [{"weights_id": "of other weights"}, {"network": "removed"}], ids=str)
def test_a_latent_outlives_its_weights(pipeline: Pipeline, photo: bytes, changed: dict[str, str]) -> None:
    made, _ = finished(
        pipeline.begin(Rejuvenate("r", photo, baby_photo=drawn_photo(seed=5), anyway=True)), Rejuvenation
    )
    before = PortraitState.from_bytes(made.latent)
    ws = torch.zeros_like(before.pet.ws)
    old = replace(before, pet=replace(before.pet, ws=ws), **changed)  # type: ignore[arg-type]
    anew, _ = finished(pipeline.begin(Reimagine("a", old.to_bytes(), 0.5)), Reimagined)
    assert anew.latent is not None
    kept = PortraitState.from_bytes(anew.latent)
    assert (kept.network, kept.weights_id, kept.breeds) == (before.network, before.weights_id, before.breeds)
    assert kept.baby is not None and before.baby is not None
    assert kept.pet.photo == before.pet.photo and kept.baby.photo == before.baby.photo
    assert kept.pet.distance == pytest.approx(before.pet.distance, rel=0.2)
    again, steps = finished(pipeline.begin(Reimagine("a", anew.latent, 0.5)), Reimagined)
    assert again.latent is None and not [step for step in steps if step.searches]
    assert difference(again.still, anew.still) < 3


def test_a_network_stored_anew_is_loaded_anew(pipeline: Pipeline, photo: bytes, home: Path) -> None:
    first, _ = finished(pipeline.begin(Rejuvenate("r", photo, anyway=True)), Rejuvenation)
    store_tiny_network(home, seed=1)
    try:
        second, _ = finished(pipeline.begin(Rejuvenate("r", photo, anyway=True)), Rejuvenation)
    finally:
        store_tiny_network(home)
    assert (
        second.steps
        and PortraitState.from_bytes(first.latent).weights_id != PortraitState.from_bytes(second.latent).weights_id
    )


def test_a_damaged_cache_entry_is_made_anew(pipeline: Pipeline, photo: bytes, here: EngineSettings) -> None:
    finished(pipeline.begin(Rejuvenate("r", photo, anyway=True)), Rejuvenation)
    for file in (here.cache / FOLDER).iterdir():
        file.write_bytes(file.read_bytes()[:100])
    pipeline = Pipeline(here, FILM)  # with nothing in memory
    answer, _ = finished(pipeline.begin(Rejuvenate("r", photo, anyway=True)), Rejuvenation)
    assert answer.steps


def test_a_photo_that_is_its_own_baby_photo_has_none(pipeline: Pipeline, photo: bytes) -> None:
    answer, _ = finished(pipeline.begin(Rejuvenate("r", photo, baby_photo=photo, anyway=True)), Rejuvenation)
    assert PortraitState.from_bytes(answer.latent).baby is None


def test_the_chosen_head_says_of_which_species_and_breed_it_is(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    dog = HeadGuess(Species.DOG, (BreedGuess("samoyed", 0.9),))
    cat = HeadGuess(Species.CAT, (BreedGuess("bengal", 0.9),))
    faces = tuple(Face(Head((x, 60, x + 80, 200), (x + 20, 110), (x + 60, 110), None, 0.9), 0.1) for x in (20, 140))
    both = Recognised(True, 0.9, dog.species, dog.breeds, faces, (dog, cat))
    monkeypatch.setattr("engine.vision.recognition.recognise", lambda image: both)
    made, _ = finished(pipeline.begin(Rejuvenate("r", drawn_photo(seed=12), head=1, anyway=True)), Rejuvenation)
    assert (made.species, made.breed, made.breeds) == (Species.CAT, "bengal", cat.breeds)


def test_a_damaged_latent_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(EngineFault, match="damaged"):
        finished(pipeline.begin(Reimagine("a", b"latent", 1.0)), Reimagined)


@pytest.mark.parametrize("which", ["photo", "baby_photo"])
def test_what_is_no_picture_is_said_of_the_right_photo(pipeline: Pipeline, photo: bytes, which: str) -> None:
    requests: dict[str, Any] = {"photo": photo, which: b"no picture"}
    with pytest.raises(PhotoError) as caught:
        finished(pipeline.begin(Rejuvenate("a", **requests, anyway=True)), Rejuvenation)
    assert (caught.value.reason, caught.value.which) == (PhotoReason.NOT_AN_IMAGE, which)


def test_a_picture_without_a_pet_needs_anyway(pipeline: Pipeline) -> None:
    stream = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(stream, "PNG")
    recognition, _ = finished(pipeline.begin(Recognise("a", stream.getvalue())), Recognition)
    assert (recognition.pet, recognition.species, recognition.breeds) == (False, None, ())
    with pytest.raises(PhotoError) as caught:
        finished(pipeline.begin(Rejuvenate("b", stream.getvalue())), Rejuvenation)
    assert caught.value.reason is PhotoReason.NO_PET


def test_forgetting_a_photo_drops_what_was_kept_of_it(pipeline: Pipeline) -> None:
    photo = drawn_photo(seed=3)
    job = pipeline.begin(Rejuvenate("a", photo, breed="samoyed", anyway=True))
    while next(job).stage is not Stage.FILMING:
        pass
    job.close()
    name = hashlib.sha256(photo).hexdigest()
    assert finished(pipeline.begin(Forget("b", (name, "00" * 32))), Forgotten)[0].count == 1
    assert finished(pipeline.begin(Forget("c", (name,))), Forgotten)[0].count == 0


def test_forgetting_one_of_two_photos_drops_the_faces_of_both(pipeline: Pipeline) -> None:
    photos = drawn_photo(seed=16), drawn_photo(seed=17)
    made, _ = finished(pipeline.begin(Rejuvenate("a", photos[0], baby_photo=photos[1], anyway=True)), Rejuvenation)
    finished(pipeline.begin(Reimagine("b", made.latent, 0.5, film=False)), Reimagined)
    young, old = (hashlib.sha256(photo).hexdigest() for photo in reversed(photos))
    assert finished(pipeline.begin(Forget("c", (young,))), Forgotten)[0].count == 2  # its latent, and the faces
    assert finished(pipeline.begin(Forget("d", (old,))), Forgotten)[0].count == 1
    finished(pipeline.begin(Reimagine("e", made.latent, 0.5, film=False)), Reimagined)
    assert finished(pipeline.begin(Forget("f", (young, old))), Forgotten)[0].count == 0


def test_a_photo_forgotten_while_it_is_looked_at_is_not_remembered(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, looks, forgotten = drawn_photo(seed=4), [], threading.Event()

    def look(image: Image.Image) -> Recognised:
        looks.append(image)
        forgotten.wait()
        return recognise(image)

    monkeypatch.setattr("engine.vision.recognition.recognise", look)
    job = pipeline.begin(Rejuvenate("a", photo, breed="samoyed", anyway=True))
    try:
        while not next(job).in_pool:
            pass
        finished(pipeline.begin(Forget("b", (hashlib.sha256(photo).hexdigest(),))), Forgotten)
    finally:
        forgotten.set()
    while next(job).share == 0:
        pass
    job.close()
    finished(pipeline.begin(Recognise("c", photo)), Recognition)
    assert len(looks) == 2
    finished(pipeline.begin(Recognise("d", photo)), Recognition)
    assert len(looks) == 2


@pytest.mark.parametrize("stage", [Stage.ALIGNING, Stage.LOCKING])
def test_of_a_photo_forgotten_while_it_is_portrayed_nothing_is_kept(pipeline: Pipeline, stage: Stage) -> None:
    photo = drawn_photo(seed=5)
    name = hashlib.sha256(photo).hexdigest()
    job = pipeline.begin(Rejuvenate("a", photo, breed="samoyed", anyway=True))
    while next(job).stage is not stage:
        pass
    finished(pipeline.begin(Forget("b", (name, "00" * 32))), Forgotten)
    finished(job, Rejuvenation)
    assert finished(pipeline.begin(Forget("c", (name,))), Forgotten)[0].count == 0


def test_it_describes_itself(pipeline: Pipeline) -> None:
    description, _ = finished(pipeline.begin(Describe("a")), Description)
    assert description.device == "cpu"
    assert NAME in description.networks
    assert description.extractor


@needs_shared
def test_a_real_photo_s_heads_are_in_its_own_pixels(pipeline: Pipeline) -> None:
    small = decode((SHARED / "photos/pets/samoyed_unsplash_1.jpg").read_bytes())
    stream = io.BytesIO()
    small.resize((small.width * 6, small.height * 6)).save(stream, "JPEG")
    once, _ = finished(pipeline.begin(Recognise("a", stream.getvalue())), Recognition)
    assert (once.width, once.height) == (small.width * 6, small.height * 6)
    assert (once.species, once.breeds[0].breed) == (Species.DOG, "samoyed")
    left, _, right, bottom = once.heads[0].box
    assert small.width < right - left < once.width
    assert max(right, bottom) > 2048


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_full_size_is_as_people_see_it(orientation: int) -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (3000, 2000)).save(stream, "JPEG", exif=exif)
    image = decode(stream.getvalue())
    assert full_size(stream.getvalue(), image) == ((3000, 2000) if orientation == 1 else (2000, 3000))


def test_heads_scale_with_their_photo() -> None:
    head = Head((1, 2, 3, 4), (1.5, 2.5), None, (2, 3), 0.5)
    assert scaled(head, 2) == Head((2, 4, 6, 8), (3, 5), None, (4, 6), 0.5)


def test_a_device_that_is_not_there_is_said() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")
    if not torch.cuda.is_available():
        with pytest.raises(OperatorError, match="there is none"):
            choose_device("cuda")
