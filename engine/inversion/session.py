"""From a photo to its likeness: aligned, projected and locked, a step at a time, with previews for those who wait."""

import hashlib
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from engine.errors import EngineFault
from engine.images import decoding
from engine.images.tensors import to_pixels, to_tensor
from engine.inversion import PivotalTuning, Projection, solve_feature_offsets
from engine.inversion.state import InvertedPhoto
from engine.messages import Head, Species, Stage
from engine.process.scheduler import JobStep
from engine.rendering.portrait import landmarks_in
from engine.stylegan.generator import Adjustments
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network
from engine.threads import in_pool
from engine.vision.alignment import align
from engine.vision.cropping import CropWindow

_RECIPE = "13"  # to be changed whenever the same photo would get another likeness than before

_PREVIEW_S = 1.5  # between two previews
_FIRST_PREVIEW_S = 0.7
_PREVIEW_SIDE = 320  # px
_PREVIEW_QUALITY = 80


@dataclass(slots=True, eq=False)
class Inversion:
    """One pet in front of one network. `age_vector` [num_ws, w_dim] is the edit that a `PivotalTuning` holds."""

    image: Image.Image  # upright
    head: Head | None  # in its pixels; None: the middle is taken
    network: Network
    extractor: PerceptualDistance
    age_vector: Tensor
    species: Species
    window: CropWindow | None = None  # of the aligned face, that previews show; without one there are none
    likeness: InvertedPhoto | None = None
    steps: int = 0  # of optimisation, taken so far
    _target: Tensor | None = None
    _ws: Tensor | None = None
    _adjustments: Adjustments = field(default_factory=Adjustments)
    _next_preview: float = field(default_factory=lambda: time.monotonic() + _FIRST_PREVIEW_S)

    @property
    def recipe(self) -> str:
        """How the likeness is made, as a hash: whatever changes the result changes this."""
        sums = sorted(self.network.sha256.items())  # of the weights, the statistics and the encoder
        parts = (_RECIPE, self.head, self.network.name, sums, self.extractor.name)
        held = b"" if self._grows else self.age_vector.float().cpu().numpy().tobytes()
        return hashlib.sha256(repr(parts).encode() + held).hexdigest()[:32]

    @property
    def standing(self) -> tuple[Tensor, Adjustments] | None:
        """The latents and the changes to the network, as far as the search has come."""
        return None if self._ws is None else (self._ws, self._adjustments)

    def project(self, pool: Executor | None = None) -> Generator[JobStep, None, None]:
        """Find the latents. The shares of the steps are of this stage. What is no search is done in the pool."""
        search, preview = yield from in_pool(self._projection, pool, JobStep(Stage.PROJECTING, 0.0, in_pool=True))
        share = 0.0
        while not search.done:
            yield JobStep(Stage.PROJECTING, share, preview, (search,))
            step = search.step()
            self._ws, self.steps = step.ws, self.steps + 1
            share, preview = step.index / step.steps, self._preview(search.picture)
        yield JobStep(Stage.PROJECTING, 1.0, preview)

    def _projection(self) -> tuple[Projection, bytes | None]:
        """The search, about to begin, and what the encoder sees at a glance."""
        target, network = self.target(), self.network
        start, preview = None, None
        if network.encoder is not None:
            with torch.no_grad():
                start = network.encoder.latents(target)
                if self.window is not None:
                    self._next_preview = 0.0  # it is worth showing at once
                    seen = start.expand(-1, network.generator.config.num_ws, -1)
                    preview = self._preview(network.generator.synthesis(seen))
        return Projection(target, network.generator, network.statistics, self.extractor, start=start), preview

    def lock(self, pool: Executor | None = None) -> Generator[JobStep, None, None]:
        """PivotalTuning the identity; afterwards there is the likeness. What is no search is done in the pool.

        Where growth is known, the photo itself is the lock: see `locked`.
        """
        if not self._grows:
            yield from self._searched(pool)
        self.likeness = yield from in_pool(self._finished, pool, JobStep(Stage.LOCKING, 1.0, in_pool=True))

    @property
    def _grows(self) -> bool:
        """It is known how this very pet's parts move as it grows."""
        return landmarks_in(self.image.size, self.head, self.network, self.species) is not None

    def locked(self) -> Adjustments:
        """The changes to the network with which it draws the photo."""
        ws, adjustments = self._found()
        return solve_feature_offsets(self.target(), ws, self.network.generator) if self._grows else adjustments

    def _searched(self, pool: Executor | None) -> Generator[JobStep, None, None]:
        search = yield from in_pool(self._lock, pool, JobStep(Stage.LOCKING, 0.0, in_pool=True))
        share, preview = 0.0, None
        while not search.done:
            yield JobStep(Stage.LOCKING, share, preview, (search,))
            step = search.step()
            self._adjustments, self.steps = step.adjustments, self.steps + 1
            share, preview = step.index / step.steps, self._preview(search.picture)
        yield JobStep(Stage.LOCKING, 1.0, preview)

    def _lock(self) -> PivotalTuning:
        """The search, about to begin."""
        ws, _ = self._found()
        return PivotalTuning(self.target(), ws, self.network.generator, self.extractor, self.age_vector)

    def _finished(self) -> InvertedPhoto:
        ws, adjustments = self._found()
        distance = self.distance_with(adjustments)
        return InvertedPhoto(decoding.encode_jpeg(self.image), self.head, ws, adjustments, distance, self.steps)

    @torch.no_grad()
    def distance_with(self, adjustments: Adjustments) -> float:
        """Perceptual distance between the photo and what the network draws, so changed, as far as it was searched."""
        ws, _ = self._found()
        drawn = self.network.generator.synthesis(ws, adjustments=adjustments)
        return float(self.extractor(drawn, self.target()))

    def _found(self) -> tuple[Tensor, Adjustments]:
        """The latents and the changes to the network, as far as the search has come."""
        if self._ws is None:
            raise EngineFault("locked before it was projected")
        return self._ws, self._adjustments

    def target(self) -> Tensor:
        """The aligned face [1, 3, R, R] in -1..1, as the network draws faces."""
        if self._target is None:
            resolution = self.network.generator.config.img_resolution
            face = align(self.image, self.head, self.network.convention, resolution).crop
            self._target = to_tensor(face).to(self.network.statistics.mean.device)
        return self._target

    def _preview(self, drawn: Tensor | None) -> bytes | None:
        """The picture [1, 3, R, R] as a small JPEG, when it is time for one."""
        if drawn is None or self.window is None or time.monotonic() < self._next_preview:
            return None
        self._next_preview = time.monotonic() + _PREVIEW_S
        size, box = (_PREVIEW_SIDE, _PREVIEW_SIDE), self.window.box(drawn.shape[-1])
        shown = Image.fromarray(to_pixels(drawn)).resize(size, Image.Resampling.BICUBIC, box)
        return decoding.encode_jpeg(shown, _PREVIEW_QUALITY)


def run_together(ways: Sequence[Generator[JobStep, None, None]]) -> Generator[JobStep, None, None]:
    """The same stage of one portrait's sittings gone through at the same time, a step of each at once.

    The shares of the steps are of all of it. Previews are those of the first that has not come to its end. Closing it
    closes all.
    """
    with ExitStack() as stack:
        for way in ways:
            stack.enter_context(closing(way))
        while going := [step for way in ways if (step := next(way, None)) is not None]:
            yield JobStep(
                going[0].stage,
                share=1 - sum(1 - step.share for step in going) / len(ways),
                preview=going[0].preview,
                searches=tuple(search for step in going for search in step.searches),
                in_pool=any(step.in_pool for step in going),
            )


def weights_id(network: Network) -> str:
    """Which weights these are, as a hash: latents mean nothing to other weights of the same name."""
    return network.sha256[f"{network.name}.safetensors"][:16]
