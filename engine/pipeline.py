"""Turn requests into jobs: one photo's way through the engine, a step at a time. Loads torch.

photo → recognised → aligned → projected → tuned → picture, card and film at another age. Every request becomes a job,
a generator that yields after each step (`engine.process.scheduler`). Inverted photos are cached: the same photo is
never projected twice.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakSet

from PIL import Image
from torch import Tensor

from engine import inversion
from engine.breeds import BREEDS
from engine.device import choose_device
from engine.errors import EngineFault
from engine.images import decoding
from engine.images.jpeg import encode_jpeg
from engine.inversion.session import Inversion, Previews, invert
from engine.inversion.state import InvertedPhoto, PortraitState, weights_id
from engine.messages import (
    AgeWords,
    Answer,
    Combine,
    Combined,
    Describe,
    Description,
    Export,
    Film,
    Forget,
    Forgotten,
    Head,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Request,
    Species,
    Stage,
)
from engine.process.cache import FOLDER, Cache
from engine.process.jobs import BatchedSearch, Job, JobStep
from engine.process.lru import LruDict
from engine.process.malloc import give_back_memory
from engine.rendering.age_labels import AgeLabels
from engine.rendering.cards import family_card
from engine.rendering.exports import Exporter
from engine.rendering.faces import PortraitFaces, faces_of
from engine.rendering.film import FilmOptions, render_film
from engine.rendering.kept_faces import KeptFaces
from engine.rendering.numbered_heads import numbered_heads
from engine.rendering.pictures import Pictures, card_faces, pictures_of
from engine.rendering.portrait_renderer import PortraitRenderer, portrait_of
from engine.settings import EngineSettings
from engine.step_runner import mapped, result_of
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.loaded_networks import LoadedNetworks
from engine.stylegan.perceptual import load_extractor
from engine.stylegan.store import Network, NetworkStore
from engine.subject import chosen_head, scaled, subject_of
from engine.threads import in_pool, one_core_threads, steps_in_pool
from engine.vision import recognition
from engine.vision.cropping import choose_crop
from engine.vision.head_parsing import ParsedHead
from engine.vision.photo_quality import measure_quality

logger = logging.getLogger(__name__)

_MOST_THREADS = 4  # that recognise and prepare beside the searches, and as many that film; more wait for each other
_SURE_BREED = 0.5  # probability from which a recognised breed is a title
_RECOGNITIONS = 64  # kept in memory, so that a photo recognised a moment ago is not looked at again
_MAX_NUMBERED = 8  # heads of a photo that are told apart by numbers; more hide each other


@dataclass(slots=True, eq=False, weakref_slot=True)
class _RunningJob:
    """Lives as long as a request's job, so that what it makes of a photo that is forgotten meanwhile is not kept."""

    forgotten: set[str] = field(default_factory=set)  # sha256 (hex) of photos


@dataclass(frozen=True, slots=True, eq=False)
class _SeenPhoto:
    """A photo, decoded, with what is in it."""

    image: Image.Image  # upright, perhaps smaller than the photo
    found: Recognition  # in its pixels
    parsed: Mapping[Head, ParsedHead]  # its heads
    width: int  # of the photo as it was sent, px
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the photo for one of the picture."""
        return self.width / self.image.width


@dataclass(frozen=True, slots=True, eq=False)
class _KeptPortrait:
    """What draws a portrait again; `renewed` is its latent, where that is another than before."""

    state: PortraitState
    faces: PortraitFaces
    vector: Tensor
    renewed: bytes | None


class Pipeline:
    """Begins the job that answers a request. Loads what most photos need at once, and the rest when it is needed."""

    def __init__(self, here: EngineSettings, film: FilmOptions | None = None, likenesses: Path | None = None) -> None:
        """`likenesses` is the folder for inverted photos, instead of that in the data folder."""
        self._film_options = film
        self._device = choose_device(here.device)
        self._store, self._ages = NetworkStore(here.home), AgeVectors(here.home)
        self._extractor = load_extractor(here.home, device=self._device)
        self._cache = Cache(likenesses or here.cache / FOLDER)
        self._networks = LoadedNetworks(self._store, self._ages, self._device, here.network, here.compiled)
        self._recognitions: LruDict[tuple[Recognition, Mapping[Head, ParsedHead]]] = LruDict(_RECOGNITIONS)
        self._faces = KeptFaces()
        self._running: WeakSet[_RunningJob] = WeakSet()
        cores = min(here.cores or _MOST_THREADS, os.cpu_count() or 1, _MOST_THREADS)
        alone = here.cores == 1  # everything in one thread then, one step after the other
        # What is not a search runs beside the searches, and these in two halves: on a CPU, threads with work of their
        # own wait for each other less than those that share an operation.
        self._pool = None if alone else one_core_threads(cores, "prepare")
        # Films take long; recognising the next photos does not wait for them.
        self._films = None if alone else one_core_threads(cores, "film")
        self._halves = one_core_threads(2, "search") if self._device.type == "cpu" and cores > 1 else None
        self._warm_up()

    def _warm_up(self) -> None:
        """Load what the first request would otherwise wait for."""
        try:
            self._networks.get(None)
            recognition.recognise(Image.new("RGB", (recognition.LOOK_SIDE, recognition.LOOK_SIDE)))
        except Exception as error:  # a request that needs it says why; others are still answered
            logger.warning("not all could be loaded: %s", type(error).__name__)

    def begin(self, request: Request) -> Job:
        """The job that answers a request; nothing is computed before its first step."""
        job: Job
        match request:
            case Rejuvenate():
                job = self._rejuvenate(request, self._start())
            case Reimagine():
                job = self._reimagine(request)
            case Export():
                job = self._export(request)
            case Combine():
                job = self._combine(request)
            case Recognise():
                job = self._recognise(request, self._start())
            case Forget():
                job = self._forget(request)
            case _:
                job = self._describe(Describe(request.id))
        return job

    def answer(self, request: Request, on_step: Callable[[JobStep], object] | None = None) -> Answer:
        """Answer one request in the calling thread; `on_step` is called after each step."""

        def taken(step: JobStep) -> None:
            if on_step is not None:
                on_step(step)
            self.advance(step.searches)  # of two photos together

        return result_of(self.begin(request), taken)

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        """Take a step of the first search and of all that can share its batch."""
        inversion.advance([one for one in searches if isinstance(one, inversion.Search)], self._halves)

    def on_idle(self) -> None:
        """Give freed memory back to the system."""
        give_back_memory()

    def _describe(self, request: Describe) -> Job:
        yield from ()
        networks = tuple(self._store.names())
        notes = []
        if self._extractor.name != "vgg16":
            notes.append("the embedded perceptual distance serves; `throwback networks pull vgg16` fetches VGG16")
        return Description(request.id, self._device.type, networks, self._extractor.name, tuple(notes))

    def _start(self) -> _RunningJob:
        running = _RunningJob()
        self._running.add(running)
        return running

    def _forget(self, request: Forget) -> Job:
        yield from ()
        for running in self._running:
            running.forgotten.update(request.photos)
        for photo in request.photos:
            self._recognitions.discard(photo)
        count = sum(self._cache.forget(photo) + self._faces.forget(photo) for photo in request.photos)
        return Forgotten(request.id, count)

    def _recognise(self, request: Recognise, running: _RunningJob) -> Job:
        seen = yield from self._see(request.photo, running)
        heads = tuple(scaled(head, seen.scale) for head in seen.found.heads)
        return replace(seen.found, id=request.id, heads=heads, width=seen.width, height=seen.height)

    def _rejuvenate(self, request: Rejuvenate, running: _RunningJob) -> Job:
        # Alone, everything runs in this thread: if the process dies, it died of this request.
        pool, films = (None, None) if request.alone else (self._pool, self._films)
        if request.baby_photo == request.photo:
            request = replace(request, baby_photo=None)  # a film from a photo to itself would show nothing
        yield JobStep(Stage.ALIGNING, 0.0)
        seen = yield from self._see(request.photo, running, pool=pool)
        subject = subject_of(request, seen.found)
        yield JobStep(Stage.ALIGNING, 0.5)
        network = self._networks.get_ageing(subject.species, request.network)
        vector = self._ages.vector(network, subject.species, subject.breed)
        placed = {request.photo: (seen, subject.head)}
        if request.baby_photo is not None:
            baby = yield from self._see(request.baby_photo, running, "baby_photo", pool)
            placed[request.baby_photo] = baby, chosen_head(baby.found, 0, "baby_photo", request.anyway)
        inversions = self._inversions(placed, request.photo, subject.species, network, vector)
        yield JobStep(Stage.ALIGNING, 1.0)
        inverted = yield from self._invert(inversions, running, pool)
        kind = network.name, weights_id(network), subject.species, subject.breed, subject.breeds
        state = PortraitState(*kind, inverted[request.photo], inverted.get(request.baby_photo or b""))
        faces = faces_of(state, network)
        rendering = self._render(state, faces, vector, request, seen.image, films)
        film, pictures = yield from steps_in_pool(rendering, films, JobStep(Stage.FILMING, 0.0, in_pool=True))
        latent = state.to_bytes()
        self._keep(latent, faces, placed, running)
        return Rejuvenation(
            id=request.id,
            still=pictures.still,
            whole=pictures.whole,
            card=pictures.card,
            film=film,
            latent=latent,
            species=subject.species,
            breed=subject.breed,
            breeds=subject.breeds,
            head=subject.head and scaled(subject.head, seen.scale),
            network=network.name,
            device=self._device.type,
            distance=state.pet.distance,
            steps=sum(inversion.steps for inversion in inversions.values()),
            seconds={},
        )

    def _reimagine(self, request: Reimagine) -> Job:
        kept = yield from self._kept(request.latent)
        # Somebody waits at the screen, so no other request has a step before this one is done.
        portrait = portrait_of(kept.faces, kept.vector, request.age)
        labels = _labels(request.ages, kept.state)
        film = (yield from self._film(portrait, self._films, labels)) if request.film else None
        pictures = pictures_of(portrait, _title(kept.state), request.age, request.card)
        self._faces.tidy()
        return Reimagined(request.id, request.age, *pictures, film, seconds={}, latent=kept.renewed)

    def _export(self, request: Export) -> Job:
        kept = yield from self._kept(request.latent)
        exporter = Exporter(kept.faces, kept.vector, self._extractor.features, self._films)
        text = replace(request.text, title=request.text.title or _title(kept.state))
        making = exporter.make(request.medium, request.age, text)
        made = yield from mapped(making, lambda share: JobStep(Stage.FILMING, min(share, 1.0), in_pool=True))
        self._faces.tidy()
        return replace(made, id=request.id, latent=kept.renewed)

    def _combine(self, request: Combine) -> Job:
        whole: Image.Image | None = None
        pets, renewed, latents = [], False, []
        for latent in request.latents:
            kept = yield from self._kept(latent)
            portrait = portrait_of(kept.faces, kept.vector, request.age)
            whole = portrait.whole(whole)
            pets.append(card_faces(portrait, request.age))
            latents.append(kept.renewed or latent)
            renewed = renewed or kept.renewed is not None
            yield JobStep(Stage.FILMING, len(pets) / len(request.latents))
        if whole is None:
            raise EngineFault("several pets without one")
        card = None if request.card is None else family_card(pets, request.card)
        return Combined(request.id, encode_jpeg(whole), card, latents=tuple(latents) if renewed else ())

    def _kept(self, latent: bytes) -> Generator[JobStep, None, _KeptPortrait]:
        """What draws a portrait again; inverted anew where the network has changed since."""
        state, renewed = PortraitState.from_bytes(latent), None
        name = state.network if state.network in self._store.names() else ""
        network = self._networks.get_ageing(state.species, name)
        if (network.name, weights_id(network)) != (state.network, state.weights_id):
            state = yield from self._invert_again(state, network)
            renewed = state.to_bytes()
        faces = self._faces.get(hashlib.sha256(latent).hexdigest())
        if faces is None or faces.pet.network is not network:
            faces = faces_of(state, network)
        return _KeptPortrait(state, faces, self._ages.vector(network, state.species, state.breed), renewed)

    def _keep(self, latent: bytes, faces: PortraitFaces, photos: Iterable[bytes], running: _RunningJob) -> None:
        """Keep what other ages of a portrait begin with, unless one of its photos was forgotten meanwhile."""
        names = {hashlib.sha256(photo).hexdigest() for photo in photos}
        if not names & running.forgotten:
            self._faces.put(hashlib.sha256(latent).hexdigest(), faces, names)

    def _invert_again(self, state: PortraitState, network: Network) -> Generator[JobStep, None, PortraitState]:
        """Invert the photos kept in a portrait's state again, in a network with other weights."""
        vector = self._ages.vector(network, state.species, state.breed)
        before = [one for one in (state.pet, state.baby) if one is not None]
        inversions = [
            Inversion(decoding.decode(one.photo), one.head, state.species, network, self._extractor, vector)
            for one in before
        ]
        inverted = yield from invert(inversions)
        pet, *baby = [replace(new, photo=old.photo) for new, old in zip(inverted, before, strict=True)]
        return replace(
            state, network=network.name, weights_id=weights_id(network), pet=pet, baby=baby[0] if baby else None
        )

    def _inversions(
        self,
        placed: Mapping[bytes, tuple[_SeenPhoto, Head | None]],
        shown: bytes,
        species: Species,
        network: Network,
        vector: Tensor,
    ) -> dict[bytes, Inversion]:
        """The inversion of each photo, of which previews show the one."""
        # They show one pet becoming clear, not two by turns, and as much around it as the result.
        window = choose_crop([(one.image.size, head) for one, head in placed.values()], network.template)
        return {
            photo: Inversion(
                one.image,
                head,
                species,
                network,
                self._extractor,
                vector,
                previews=Previews(window) if photo == shown else None,
                parsed=one.parsed.get(head) if head else None,
            )
            for photo, (one, head) in placed.items()
        }

    def _invert(
        self, inversions: dict[bytes, Inversion], running: _RunningJob, pool: Executor | None
    ) -> Generator[JobStep, None, dict[bytes, InvertedPhoto]]:
        """Return the inverted photos from the cache; invert those that are missing, all at the same time."""
        names = {
            photo: (hashlib.sha256(photo).hexdigest(), inversion.recipe) for photo, inversion in inversions.items()
        }
        inverted: dict[bytes, InvertedPhoto] = {}
        for photo in inversions:
            if (kept := self._cache.get(*names[photo])) is not None:
                with suppress(EngineFault):  # a damaged file is made anew
                    inverted[photo] = InvertedPhoto.from_bytes(kept)
        missing = [photo for photo in inversions if photo not in inverted]
        made = yield from invert([inversions[photo] for photo in missing], pool)
        for photo, result in zip(missing, made, strict=True):
            name, recipe = names[photo]
            if name not in running.forgotten:
                self._cache.put(name, recipe, result.to_bytes())
            inverted[photo] = result
        return inverted

    def _render(
        self,
        state: PortraitState,
        faces: PortraitFaces,
        vector: Tensor,
        request: Rejuvenate,
        photo: Image.Image,
        pool: Executor | None,
    ) -> Generator[JobStep, None, tuple[Film, Pictures]]:
        """Render the film and the pictures of a portrait."""
        portrait = portrait_of(faces, vector, request.age)
        film = yield from self._film(portrait, pool, _labels(request.ages, state))
        return film, pictures_of(portrait, _title(state), request.age, request.card, photo)

    def _film(
        self, portrait: PortraitRenderer, pool: Executor | None, labels: AgeLabels | None
    ) -> Generator[JobStep, None, Film]:
        steps = render_film(portrait.film_source(), self._extractor.features, self._film_options, pool, labels)
        return (yield from mapped(steps, lambda share: JobStep(Stage.FILMING, share, in_pool=pool is not None)))

    def _see(
        self, photo: bytes, running: _RunningJob, which: str = "photo", pool: Executor | None = None
    ) -> Generator[JobStep, None, _SeenPhoto]:
        """Decode a photo, ``photo`` or ``baby_photo``, and recognise what is in it."""
        name = hashlib.sha256(photo).hexdigest()
        known = self._recognitions.get(name)

        def look() -> _SeenPhoto:
            image = decoding.decode(photo, which)
            found, parsed = known or _recognised(image)
            return _SeenPhoto(image, found, parsed, *decoding.full_size(photo, image))

        seen = yield from in_pool(look, pool, JobStep(Stage.ALIGNING, 0.0, in_pool=True))
        if name not in running.forgotten:
            self._recognitions.put(name, (seen.found, seen.parsed))
        return seen


def _title(state: PortraitState) -> str:
    """The breed, where the owner has said it or it is likely: a card shows no guess."""
    guessed = {guess.breed: guess.probability for guess in state.breeds[:1]}
    return BREEDS[state.breed].name if state.breed and guessed.get(state.breed, 1.0) >= _SURE_BREED else ""


def _labels(ages: AgeWords | None, state: PortraitState) -> AgeLabels | None:
    """What a film says of its ages; how old a true baby was is not known."""
    return AgeLabels(ages) if ages and state.baby is None else None


def _recognised(image: Image.Image) -> tuple[Recognition, dict[Head, ParsedHead]]:
    """What is in a picture, and its heads' parts."""
    seen = recognition.recognise(image)
    measured = [measure_quality(image, head) for head in seen.heads]
    qualities = tuple(quality for quality, _ in measured)
    found = seen.species, seen.breeds, seen.heads
    from_left = sorted(seen.heads[:_MAX_NUMBERED], key=lambda head: head.box[0] + head.box[2])
    numbered = numbered_heads(image, from_left) if len(seen.heads) > 1 else None
    found_in = Recognition("", seen.pet, *found, image.width, image.height, seen.guesses, qualities, numbered)
    return found_in, {head: parsed for head, (_, parsed) in zip(seen.heads, measured, strict=True)}
