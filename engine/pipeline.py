"""The way of one photo through the engine, a step at a time; here torch begins.

photo → recognised → aligned → projected → tuned → picture, card and film at another age. Every request becomes a job,
a generator that yields after each step (`engine.process.scheduler`). Inverted photos are cached: the same photo is
never projected twice.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from weakref import WeakSet

from PIL import Image
from torch import Tensor

from engine import inversion
from engine.breeds import BREEDS
from engine.device import choose_device
from engine.errors import EngineFault, PhotoError, PhotoReason
from engine.images import decoding
from engine.images.jpeg import encode_jpeg
from engine.inversion.previews import Previews
from engine.inversion.session import Inversion, inversion_of, invert
from engine.inversion.state import InvertedPhoto, PortraitState, weights_id
from engine.messages import (
    Answer,
    CardText,
    Describe,
    Description,
    Film,
    Forget,
    Forgotten,
    Head,
    Point,
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
from engine.rendering.cards import side_by_side, then_and_now
from engine.rendering.film import FilmOptions, render_film
from engine.rendering.portrait import PortraitRenderer, portrait_of
from engine.settings import EngineSettings
from engine.steps import result_of
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.perceptual import load_extractor
from engine.stylegan.store import STORYBOOK, Network, NetworkStore
from engine.threads import in_pool, one_core_threads, steps_in_pool
from engine.vision import recognition
from engine.vision.alignment import HeadPose, head_pose
from engine.vision.cropping import choose_crop

logger = logging.getLogger(__name__)

_BESIDE = 4  # threads that recognise and prepare beside the searches, at most, and as many that film
_NETWORKS = 3  # kept in memory
_RECOGNITIONS = 64  # likewise


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Errand:
    """Lives as long as a request's job. What is made of a photo that was forgotten meanwhile is not kept."""

    forgotten: set[str] = field(default_factory=set)  # sha256 (hex) of photos


class Pipeline:
    """Begins the job that answers a request. What most photos need is loaded at once, the rest when it is needed."""

    def __init__(self, here: EngineSettings, film: FilmOptions | None = None) -> None:
        self._film_options = film
        self._device = choose_device(here.device)
        self._preferred, self._compiled = here.network, here.compiled
        self._store, self._ages = NetworkStore(here.home), AgeVectors(here.home)
        self._extractor = load_extractor(here.home, device=self._device)
        self._cache = Cache(here.cache / FOLDER)
        self._networks: LruDict[Network] = LruDict(_NETWORKS)
        self._recognitions: LruDict[Recognition] = LruDict(_RECOGNITIONS)
        self._errands: WeakSet[_Errand] = WeakSet()
        # Whatever is no search goes on beside the searches, and these in two halves: on a CPU, threads with work of
        # their own wait for each other less than those that share an operation.
        self._pool = one_core_threads(min(os.cpu_count() or 1, _BESIDE), "beside")
        # Films take long, so others' first looks do not queue behind them.
        self._films = one_core_threads(min(os.cpu_count() or 1, _BESIDE), "film")
        self._halves = (
            one_core_threads(2, "search") if self._device.type == "cpu" and (os.cpu_count() or 1) > 1 else None
        )
        self._warm_up()

    def _warm_up(self) -> None:
        """Load what the first owner would otherwise wait for."""
        try:
            self._network(None, "")
            recognition.recognise(Image.new("RGB", (recognition.LOOK_SIDE, recognition.LOOK_SIDE)))
        except Exception as error:  # whoever needs it is told; `doctor` and the others are still served
            logger.warning("not all could be loaded: %s", type(error).__name__)

    def begin(self, request: Request) -> Job:
        match request:
            case Rejuvenate():
                return self._rejuvenate(request, self._errand())
            case Reimagine():
                return self._reimagine(request)
            case Recognise():
                return self._recognise(request, self._errand())
            case Forget():
                return self._forget(request)
            case _:
                return self._describe(Describe(request.id))

    def answer(self, request: Request, on_step: Callable[[JobStep], object] | None = None) -> Answer:
        """Do the job of one request to its end, in the calling thread; `on_step` is called after each step."""

        def taken(step: JobStep) -> None:
            if on_step is not None:
                on_step(step)
            self.advance(step.searches)  # of two photos together

        return result_of(self.begin(request), taken)

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        inversion.advance([one for one in searches if isinstance(one, inversion.Search)], self._halves)

    def on_idle(self) -> None:
        give_back_memory()

    def _describe(self, request: Describe) -> Job:
        yield from ()
        networks = tuple(self._store.names())
        notes = []
        if self._extractor.name != "vgg16":
            notes.append("the embedded perceptual distance serves; `throwback networks pull vgg16` fetches VGG16")
        return Description(request.id, self._device.type, networks, self._extractor.name, tuple(notes))

    def _errand(self) -> _Errand:
        errand = _Errand()
        self._errands.add(errand)
        return errand

    def _forget(self, request: Forget) -> Job:
        yield from ()
        for errand in self._errands:
            errand.forgotten.update(request.photos)
        for photo in request.photos:
            self._recognitions.discard(photo)
        return Forgotten(request.id, sum(self._cache.forget(photo) for photo in request.photos))

    def _recognise(self, request: Recognise, errand: _Errand) -> Job:
        image, found, (width, height) = yield from self._seen(request.photo, errand)
        heads = tuple(scaled(head, width / image.width) for head in found.heads)
        return replace(found, id=request.id, heads=heads, width=width, height=height)

    def _rejuvenate(self, request: Rejuvenate, errand: _Errand) -> Job:
        # Alone, all is done here, step by step: then a death is this portrait's for certain.
        pool, films = (None, None) if request.alone else (self._pool, self._films)
        if request.baby_photo == request.photo:
            request = replace(request, baby_photo=None)  # from a photo to itself there is no way
        yield JobStep(Stage.ALIGNING, 0.0)
        image, found, (width, _) = yield from self._seen(request.photo, errand, pool=pool)
        head = _chosen_head(found, request.head, "photo", request.anyway)
        if request.head < len(found.guesses):
            chosen = found.guesses[request.head]
            found = replace(found, species=chosen.species, breeds=chosen.breeds)
        species, breed = _species_and_breed(request, found)
        yield JobStep(Stage.ALIGNING, 0.5)
        network = self._ageing_network(species, request.network)
        vector = self._ages.vector(network, species, breed)
        photos = {request.photo: (image, head)}
        if request.baby_photo is not None:
            baby, baby_found, _ = yield from self._seen(request.baby_photo, errand, "baby_photo", pool)
            photos[request.baby_photo] = baby, _chosen_head(baby_found, 0, "baby_photo", request.anyway)
        # Previews show one pet becoming clear, not two by turns, and as much around it as the result.
        window = choose_crop([(image.size, head) for image, head in photos.values()], network.convention)
        previews = {request.photo: Previews(window)}
        inversions = {
            photo: inversion_of(*at, species, network, self._extractor, vector, previews.get(photo))
            for photo, at in photos.items()
        }
        yield JobStep(Stage.ALIGNING, 1.0)
        inverted = yield from self._inverted(inversions, errand, pool)
        pet = inverted[request.photo]
        baby_pet = None if request.baby_photo is None else inverted[request.baby_photo]
        state = PortraitState(network.name, weights_id(network), species, breed, found.breeds, pet, baby_pet)
        shown = self._shown(state, network, vector, request, image, films)
        film, (still, whole, card) = yield from steps_in_pool(shown, films, JobStep(Stage.FILMING, 0.0, in_pool=True))
        return Rejuvenation(
            id=request.id,
            still=still,
            whole=whole,
            card=card,
            film=film,
            latent=state.to_bytes(),
            species=species,
            breed=breed,
            breeds=found.breeds,
            head=head and scaled(head, width / image.width),
            network=network.name,
            device=self._device.type,
            distance=pet.distance,
            steps=sum(inversion.steps for inversion in inversions.values()),
            seconds={},
        )

    def _reimagine(self, request: Reimagine) -> Job:
        state, renewed = PortraitState.from_bytes(request.latent), None
        name = state.network if state.network in self._store.names() else ""
        network = self._ageing_network(state.species, name)
        if (network.name, weights_id(network)) != (state.network, state.weights_id):
            state = yield from self._inverted_again(state, network)
            renewed = state.to_bytes()
        vector = self._ages.vector(network, state.species, state.breed)
        # Someone watches the screen: nobody else's search has a step before this is done.
        portrait = portrait_of(state, network, vector, request.age)
        film = (yield from self._film(portrait, self._films)) if request.film else None
        still, whole, card = _pictures(portrait, state, request.age, request.card)
        return Reimagined(request.id, request.age, still, whole, card, film, seconds={}, latent=renewed)

    def _inverted_again(self, state: PortraitState, network: Network) -> Generator[JobStep, None, PortraitState]:
        """The same portrait in a network with other weights, from the photos that are kept in it."""
        vector = self._ages.vector(network, state.species, state.breed)
        before = [one for one in (state.pet, state.baby) if one is not None]
        inversions = [
            inversion_of(decoding.decode(one.photo), one.head, state.species, network, self._extractor, vector)
            for one in before
        ]
        inverted = yield from invert(inversions)
        pet, *baby = [replace(new, photo=old.photo) for new, old in zip(inverted, before, strict=True)]
        return replace(
            state, network=network.name, weights_id=weights_id(network), pet=pet, baby=baby[0] if baby else None
        )

    def _inverted(
        self, inversions: dict[bytes, Inversion], errand: _Errand, pool: Executor | None
    ) -> Generator[JobStep, None, dict[bytes, InvertedPhoto]]:
        """The inverted photos, from the cache or made now, all at the same time."""
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
            if name not in errand.forgotten:
                self._cache.put(name, recipe, result.to_bytes())
            inverted[photo] = result
        return inverted

    def _shown(
        self,
        state: PortraitState,
        network: Network,
        vector: Tensor,
        request: Rejuvenate,
        photo: Image.Image,
        pool: Executor | None,
    ) -> Generator[JobStep, None, tuple[Film, tuple[bytes, bytes, bytes | None]]]:
        """The film and the pictures of a portrait."""
        portrait = portrait_of(state, network, vector, request.age)
        film = yield from self._film(portrait, pool)
        return film, _pictures(portrait, state, request.age, request.card, photo)

    def _film(self, portrait: PortraitRenderer, pool: Executor | None) -> Generator[JobStep, None, Film]:
        steps = render_film(portrait.film_source(), self._extractor.features, self._film_options, pool)
        try:
            while True:
                yield JobStep(Stage.FILMING, next(steps), in_pool=pool is not None)
        except StopIteration as end:
            film: Film = end.value
            return film
        finally:
            steps.close()

    def _seen(
        self, photo: bytes, errand: _Errand, which: str = "photo", pool: Executor | None = None
    ) -> Generator[JobStep, None, tuple[Image.Image, Recognition, tuple[int, int]]]:
        """The photo decoded, what is in it, in the pixels of the picture, and width and height as it was sent."""
        name = hashlib.sha256(photo).hexdigest()
        known = self._recognitions.get(name)

        def look() -> tuple[Image.Image, Recognition, tuple[int, int]]:
            image = decoding.decode(photo, which)
            return image, known or _recognised(image), decoding.full_size(photo, image)

        image, found, size = yield from in_pool(look, pool, JobStep(Stage.ALIGNING, 0.0, in_pool=True))
        if name not in errand.forgotten:
            self._recognitions.put(name, found)
        return image, found, size

    def _ageing_network(self, species: Species, name: str) -> Network:
        """The network asked for or the best one; a pulled one that has not learned any age yet is not the best."""
        network = self._network(species, name)
        if name or self._preferred or species.value in self._ages.known(network):
            return network
        return self._network(species, STORYBOOK)

    def _network(self, species: Species | None, name: str) -> Network:
        name = self._store.choose(species, name or self._preferred)
        network = self._networks.get(name)
        if network is None or network.sha256 != self._store.record(name).sha256:  # or it was pulled again meanwhile
            network = self._store.load(name, self._device)
            self._networks.put(name, network)
            if self._compiled:
                network.generator.compile_synthesis()
        return network


def _recognised(image: Image.Image) -> Recognition:
    seen = recognition.recognise(image)
    return Recognition(
        "", seen.pet, seen.species, seen.breeds, seen.heads, image.width, image.height, guesses=seen.guesses
    )


def scaled(head: Head, scale: float) -> Head:
    """`head` in a photo `scale` times as large."""

    def point(at: Point | None) -> Point | None:
        return at and (at[0] * scale, at[1] * scale)

    x0, y0, x1, y1 = (side * scale for side in head.box)
    return Head((x0, y0, x1, y1), point(head.left_eye), point(head.right_eye), point(head.nose), head.score)


def _chosen_head(found: Recognition, index: int, which: str, anyway: bool) -> Head | None:
    head = found.heads[index] if index < len(found.heads) else None
    if anyway:
        return head
    if not found.pet:
        raise PhotoError(PhotoReason.NO_PET, which)
    if head is None or head_pose(head) is HeadPose.PROFILE:
        raise PhotoError(PhotoReason.NO_FACE, which)
    return head


def _species_and_breed(request: Rejuvenate, found: Recognition) -> tuple[Species, str]:
    """What the owner says goes before what was seen."""
    if request.breed in BREEDS:
        return BREEDS[request.breed].species, request.breed
    if request.species is not None:
        return request.species, ""
    return found.species or Species.DOG, found.breeds[0].breed if found.breeds else ""


def _pictures(
    portrait: PortraitRenderer,
    state: PortraitState,
    age: float,
    card: CardText | None,
    photo: Image.Image | None = None,
) -> tuple[bytes, bytes, bytes | None]:
    """The still, the whole photo with it and the card, as JPEG.

    With a baby photo, the still is the true puppy or kitten beside the one foretold, and the card shows the true one.
    """
    whole = encode_jpeg(portrait.whole(photo))
    face, now = (Image.fromarray(portrait.window.of_pixels(pixels)) for pixels in (portrait.still(), portrait.now))
    then = None if portrait.then is None else Image.fromarray(portrait.window.of_pixels(portrait.then))
    still = encode_jpeg(face if then is None else side_by_side(then, face))
    if card is None:
        return still, whole, None
    title = card.title or (BREEDS[state.breed].name if state.breed else "")
    younger, older = (now, face) if age < 0 else (then or face, now)
    return still, whole, then_and_now(younger, older, replace(card, title=title))
