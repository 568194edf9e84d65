"""Searches in a network's latent space: one step at a time, many searches in one batch.

A `Search` holds all of its state: schedule, moments, random numbers, step. `advance` takes a step of many searches as
one batch; the result of each is the same as alone.

Pictures are [1, 3, R, R] in -1..1, ws [1, num_ws, w_dim].
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.device import quick_dtype
from engine.stylegan.adjustments import side_by_side
from engine.stylegan.generator import Adjustments, Generator
from engine.stylegan.perceptual import PerceptualDistance


@dataclass(frozen=True, slots=True)
class SearchStep:
    """State of a search after a step. `distance` stays on the device: reading it waits for the device."""

    index: int  # 1 for the first
    steps: int  # the most there will be
    ws: Tensor
    distance: Tensor  # [] perceptual distance at this step
    adjustments: Adjustments


class Search(ABC):
    """One photo's search, a step at a time. It shares no state with other searches."""

    optimiser: torch.optim.Optimizer

    def __init__(self, generator: Generator, extractor: PerceptualDistance, dtype: torch.dtype | None) -> None:
        self.generator = generator
        self.extractor = extractor
        self.dtype = dtype or quick_dtype(generator.mapping.w_avg.device)
        self.index = 0  # steps taken
        self.picture: Tensor | None = None  # [1, 3, R, R], as the last step drew it, before its update
        self._outcome: SearchStep | Exception | None = None

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether all steps are taken."""

    @property
    @abstractmethod
    def resolution(self) -> int:
        """Side of the pictures of the next step, px."""

    @property
    def features_dtype(self) -> torch.dtype:
        """The type that the perceptual distance is computed in."""
        return self.dtype

    @abstractmethod
    def forward_inputs(self) -> tuple[Tensor, Adjustments]:
        """Return what the next step draws: ws [P, num_ws, w_dim] and the adjustments to the network for all P.

        P is the same for all searches of a class.
        """

    @abstractmethod
    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        """Return the loss, [], of the drawn pictures [P, 3, R, R] and their features [P, F]."""

    @abstractmethod
    def update(self) -> SearchStep:
        """Take the step with the gradients of the loss."""

    def forget_gradients(self) -> None:
        """Drop the gradients of a failed step."""
        self.optimiser.zero_grad(set_to_none=True)

    @property
    def pending(self) -> bool:
        """Whether the step that `step` will return is not taken yet."""
        return self._outcome is None and not self.done

    def set_outcome(self, outcome: SearchStep | Exception) -> None:
        self._outcome = outcome

    def step(self) -> SearchStep:
        """Return the step that `advance` took since the last call, or take it now, alone.

        Raises the error of the step, if it failed.
        """
        if self._outcome is None:
            advance([self])
        outcome, self._outcome = self._outcome, None
        if not isinstance(outcome, SearchStep):
            raise outcome or RuntimeError("a search went on beyond its end")
        return outcome

    def run(self) -> Iterator[SearchStep]:
        """Yield the steps to the end, each taken when it is asked for."""
        while not self.done:
            yield self.step()


def advance(searches: Sequence[Search], pool: Executor | None = None) -> None:
    """Take a step of the first pending search, together with all others that can share its batch.

    `Search.step` then returns the step of each, or raises its error. Searches that cannot share the batch stay as they
    were. With a `pool`, two halves of the batch run at the same time: on a CPU that keeps more cores busy than a large
    batch does.
    """
    batch = [search for search in searches if search.pending]
    batch = [search for search in batch if _batch_key(search) == _batch_key(batch[0])]
    if pool is None or len(batch) < 2:
        _step_or_fail(batch)
    else:
        list(pool.map(_step_or_fail, [batch[::2], batch[1::2]]))


def _step_or_fail(batch: Sequence[Search]) -> None:
    try:
        _step_together(batch)
        return
    except Exception as error:
        if len(batch) == 1:
            batch[0].set_outcome(error.with_traceback(None))
            return
    # One of them failed, or the batch needs too much memory: then each alone, now that the memory is free again.
    for search in batch:
        search.forget_gradients()
        _step_or_fail([search])


def _batch_key(search: Search) -> tuple[object, ...]:
    """The properties that searches in one batch have in common."""
    networks, precisions = (id(search.generator), id(search.extractor)), (search.dtype, search.features_dtype)
    return type(search), *networks, search.resolution, *precisions


def _step_together(batch: Sequence[Search]) -> None:
    """Take the step of all; raises errors of drawing, while an error of one search's update is set as its outcome."""
    if not batch:
        return
    drafts = [search.forward_inputs() for search in batch]
    counts = [len(ws) for ws, _ in drafts]
    first = batch[0]
    pictures = first.generator.synthesis(
        torch.cat([ws for ws, _ in drafts]),
        resolution=first.resolution,
        adjustments=side_by_side([adjustments for _, adjustments in drafts], counts),
        dtype=first.dtype,
    )
    features = first.extractor.features(pictures, first.features_dtype)
    shares = zip(batch, torch.split(pictures, counts), torch.split(features, counts), strict=True)
    losses = [search.loss(own, own_features) for search, own, own_features in shares]
    torch.autograd.backward(torch.stack(losses).sum())  # no gradient of one depends on another
    for search, own in zip(batch, torch.split(pictures.detach(), counts), strict=True):
        search.picture = own[:1]
        try:
            search.set_outcome(search.update())
        except Exception as error:
            search.set_outcome(error)


class Target:
    """A picture with its features at every resolution, computed in `dtype` like those they are compared with."""

    def __init__(self, target: Tensor, extractor: PerceptualDistance, dtype: torch.dtype) -> None:
        self._target = target
        self._extractor, self._dtype = extractor, dtype
        self._kept: dict[int, tuple[list[Tensor], Tensor]] = {}

    def _at(self, resolution: int) -> tuple[list[Tensor], Tensor]:
        """The picture's pyramid and features [1, F]."""
        if resolution not in self._kept:
            with torch.no_grad():
                picture = resized(self._target, resolution)
                self._kept[resolution] = _pyramid(picture), self._extractor.features(picture, self._dtype)
        return self._kept[resolution]

    def distance(self, features: Tensor, resolution: int) -> Tensor:
        """Perceptual distance, [], to a picture with the features [1, F]."""
        return (features - self._at(resolution)[1]).square().sum()

    def pixel_loss(self, picture: Tensor, resolution: int) -> Tensor:
        """Mean L1 distance to a picture [1, 3, R, R] at three sizes."""
        levels = zip(_pyramid(picture), self._at(resolution)[0], strict=True)
        return torch.stack([F.l1_loss(ours, theirs) for ours, theirs in levels]).mean()


def resized(pictures: Tensor, side: int) -> Tensor:
    """Pictures [N, 3, R, R] at another size: averaged when shrinking, bicubic when growing."""
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, (side, side), mode="area" if pictures.shape[-1] > side else "bicubic")


def _pyramid(picture: Tensor) -> list[Tensor]:
    """The picture at full, half and quarter size."""
    half = F.avg_pool2d(picture, 2)
    return [picture, half, F.avg_pool2d(half, 2)]


def optimiser_step(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take a step at the share `rate` of the learning rates."""
    bases = [group["lr"] for group in optimiser.param_groups]
    for group, base in zip(optimiser.param_groups, bases, strict=True):
        group["lr"] = base * rate
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    for group, base in zip(optimiser.param_groups, bases, strict=True):
        group["lr"] = base


def ramp(done: float, up: float, down: float) -> float:
    """Factor of the learning rate after the share `done` of the steps: rises linearly, falls as a cosine."""
    fall = min(1.0, (1 - done) / down) if down else 1.0
    return (0.5 - 0.5 * math.cos(fall * math.pi)) * (min(1.0, max(done, 1e-3) / up) if up else 1.0)
