"""From a photo to an `InvertedPhoto`: its latents are found, then the network is adjusted to the pet, step by step."""

import hashlib
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from functools import cached_property
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from engine.errors import EngineFault
from engine.growth.face_growth import FaceGrowth, is_growth_known
from engine.images.jpeg import encode_jpeg
from engine.images.tensors import to_pixels, to_tensor
from engine.images.warping import warp
from engine.inversion import PivotalTuning, Projection, Search, solve_feature_offsets
from engine.inversion.state import InvertedPhoto
from engine.messages import Head, Species, Stage
from engine.process.jobs import JobStep
from engine.stylegan.generator import UNADJUSTED, Adjustments
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network
from engine.threads import in_pool
from engine.vision.alignment import align
from engine.vision.cropping import CropWindow
from engine.vision.head_parsing import ParsedHead, parse_head

_RECIPE = "13"  # part of the cache key; to be changed whenever the same photo would be inverted in another way

_PREVIEW_INTERVAL_S = 1.5  # between two previews; each costs a message to be edited
_FIRST_PREVIEW_AFTER_S = 0.7  # before the first, so that something is to be seen in it
_PREVIEW_SIDE = 320  # px
_PREVIEW_QUALITY = 80  # of the JPEG

_T = TypeVar("_T")


class Previews:
    """Makes small JPEGs of what is drawn, no more often than somebody wants to look."""

    def __init__(self, window: CropWindow) -> None:
        """`window` is the part of the aligned face to show."""
        self._window = window
        self._next_at = time.monotonic() + _FIRST_PREVIEW_AFTER_S

    def at_once(self, drawn: Tensor) -> bytes | None:
        """The picture [1, 3, R, R] in -1..1 at once: it is a good guess."""
        self._next_at = 0.0
        return self.when_due(drawn)

    def when_due(self, drawn: Tensor) -> bytes | None:
        """The picture [1, 3, R, R] in -1..1, when it is time for one."""
        if time.monotonic() < self._next_at:
            return None
        self._next_at = time.monotonic() + _PREVIEW_INTERVAL_S
        shown = Image.fromarray(to_pixels(drawn))
        shown = shown.resize(
            (_PREVIEW_SIDE, _PREVIEW_SIDE), Image.Resampling.BICUBIC, self._window.box(drawn.shape[-1])
        )
        return encode_jpeg(shown, _PREVIEW_QUALITY)


class Inversion:
    """One photo's way into one network: first `project`, then `tune`.

    Where the pet's landmarks are known, the feature offsets that draw the photo follow from photo and latents, so none
    are kept. Elsewhere a `PivotalTuning` searches the adjustments and holds the edit along `age_vector`.
    """

    def __init__(
        self,
        image: Image.Image,
        head: Head | None,
        species: Species,
        network: Network,
        extractor: PerceptualDistance,
        age_vector: Tensor,
        previews: Previews | None = None,
        parsed: ParsedHead | None = None,
    ) -> None:
        """`image` is upright, `head` in its pixels; without a head the middle is taken.

        `age_vector` is [num_ws, w_dim]. `parsed` is the head, where it has been parsed before.
        """
        self.image, self.head = image, head
        self.network, self.extractor = network, extractor
        self.steps = 0  # of optimisation, taken so far
        self.ws: Tensor | None = None  # [1, num_ws, w_dim], as far as the search has come
        self.adjustments = UNADJUSTED  # to the network, as far as the search has come
        self._species, self._age_vector = species, age_vector
        self._previews, self._parsed = previews, parsed
        self._solved = is_growth_known(head, network.template)

    @property
    def recipe(self) -> str:
        """How the photo is inverted, as a hash: whatever changes the result changes this."""
        sums = sorted(self.network.sha256.items())  # of the weights, the statistics and the encoder
        parts = (_RECIPE, self.head, self.network.name, sums, self.extractor.name)
        edit = b"" if self._solved else self._age_vector.float().cpu().numpy().tobytes()
        return hashlib.sha256(repr(parts).encode() + edit).hexdigest()[:32]

    def project(self, pool: Executor | None = None) -> Generator[JobStep, None, None]:
        """Find the latents. Shares are of this stage. What is not a search is done in the pool."""
        search, preview = yield from in_pool(self._projection, pool, JobStep(Stage.PROJECTING, 0.0, in_pool=True))
        yield from self._search(search, Stage.PROJECTING, preview)

    def tune(self, pool: Executor | None = None) -> Generator[JobStep, None, InvertedPhoto]:
        """Adjust the network to the pet and return the result. What is not a search is done in the pool."""
        yield JobStep(Stage.LOCKING, 0.0)  # the stage is told of even where the pool is done with it at once
        if not self._solved:
            search = yield from in_pool(self._tuning, pool, JobStep(Stage.LOCKING, 0.0, in_pool=True))
            yield from self._search(search, Stage.LOCKING)
        return (yield from in_pool(self._inverted, pool, JobStep(Stage.LOCKING, 1.0, in_pool=True)))

    def tuned(self) -> Adjustments:
        """The changes to the network with which it draws the photo."""
        if self._solved:
            return solve_feature_offsets(self.target, self.found_ws, self.network.generator)
        return self.adjustments

    def _search(self, search: Search, stage: Stage, preview: bytes | None = None) -> Generator[JobStep, None, None]:
        share = 0.0
        while not search.done:
            yield JobStep(stage, share, preview, (search,))
            step = search.step()
            self.ws, self.adjustments, self.steps = step.ws, step.adjustments, self.steps + 1
            share, preview = step.index / step.steps, self._preview(search.picture)
        yield JobStep(stage, 1.0, preview)

    def _projection(self) -> tuple[Projection, bytes | None]:
        """The search, about to begin, and what the encoder sees at a glance."""
        network, start = self.network, None
        if network.encoder is not None:
            with torch.no_grad():
                start = network.encoder.latents(self.target)
        preview = None if self._previews is None else self._first_preview(self._previews, start)
        return Projection(self.target, network.generator, network.statistics, self.extractor, start=start), preview

    def _tuning(self) -> PivotalTuning:
        return PivotalTuning(self.target, self.found_ws, self.network.generator, self.extractor, self._age_vector)

    def _inverted(self) -> InvertedPhoto:
        distance = self.distance_with(self.adjustments)
        photo = encode_jpeg(self.image)
        return InvertedPhoto(photo, self.head, self.found_ws, self.adjustments, distance, self.steps)

    @torch.no_grad()
    def distance_with(self, adjustments: Adjustments) -> float:
        """Perceptual distance between the photo and what the network draws, so adjusted, as far as it was searched."""
        drawn = self.network.generator.synthesis(self.found_ws, adjustments=adjustments)
        return float(self.extractor(drawn, self.target))

    @property
    def found_ws(self) -> Tensor:
        """[1, num_ws, w_dim]. Raises `EngineFault` before the first step of the projection."""
        if self.ws is None:
            raise EngineFault("tuned before it was projected")
        return self.ws

    @cached_property
    def target(self) -> Tensor:
        """The aligned face [1, 3, R, R] in -1..1, as the network draws faces."""
        resolution = self.network.generator.config.img_resolution
        face = align(self.image, self.head, self.network.template, resolution).crop
        return to_tensor(face).to(self.network.statistics.mean.device)

    @torch.no_grad()
    def _first_preview(self, previews: Previews, start: Tensor | None) -> bytes | None:
        """What can be shown at once: the puppy or kitten, roughly, as the photo warped, or what the encoder found."""
        if self._solved:
            growth = FaceGrowth(self._parsed or parse_head(self.image, self.head), self._species)
            flow = growth.flow(1.0, self.target.shape[-1]).to(self.target)
            return previews.at_once(warp(self.target, flow, "bicubic"))
        if start is None:
            return None
        generator = self.network.generator
        return previews.at_once(generator.synthesis(start.expand(-1, generator.config.num_ws, -1)))

    def _preview(self, drawn: Tensor | None) -> bytes | None:
        # Nothing that a search draws is as near to the result as a first preview that shows the photo itself.
        return None if self._solved or drawn is None or self._previews is None else self._previews.when_due(drawn)


def invert(
    inversions: Sequence[Inversion], pool: Executor | None = None
) -> Generator[JobStep, None, list[InvertedPhoto]]:
    """Project and tune one portrait's photos at the same time; what is not a search is done in the pool."""
    yield from run_together([inversion.project(pool) for inversion in inversions])
    return (yield from run_together([inversion.tune(pool) for inversion in inversions]))


def run_together(ways: Sequence[Generator[JobStep, None, _T]]) -> Generator[JobStep, None, list[_T]]:
    """Run the same stage of one portrait's inversions at the same time, a step of each at once; return their results.

    The shares of the steps are of all of it. Previews are those of the first that has not come to its end. Closing it
    closes all.
    """
    results: dict[int, _T] = {}
    with ExitStack() as stack:
        for way in ways:
            stack.enter_context(closing(way))
        while True:
            going = []
            for index, way in enumerate(ways):
                if index not in results:
                    try:
                        going.append(next(way))
                    except StopIteration as end:
                        results[index] = end.value
            if not going:
                return [results[index] for index in range(len(ways))]
            yield JobStep(
                going[0].stage,
                share=1 - sum(1 - step.share for step in going) / len(ways),
                preview=going[0].preview,
                searches=tuple(search for step in going for search in step.searches),
                in_pool=any(step.in_pool for step in going),
            )
