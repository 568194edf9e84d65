"""The network adjusted for one pet until it draws the photo, at every age as this pet would look.

Pivotal tuning (Roich et al. 2021) with changes small enough to keep with a portrait and to put side by side in a
batch, instead of all weights: offsets to the styles, and either offsets to the features of the finest layers, which
say what lies where, or changes of low rank to the convolutions (Hu et al. 2021, "LoRA").

Offsets to features come nearest by far: they begin as what is missing in the picture and are made to fit within a few
steps. But they lie still while the edit moves the face, so they need to know how the pet grows, and are then carried
along. Where that is not known, the convolutions are changed, which move what they draw by themselves.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.adjusting import carried, converted
from engine.generator import Adjustments, FeatureOffset, Generator, LowRank
from engine.perceptual import PerceptualDistance
from engine.projection.search import Search, Step, alone, ramp, take
from engine.projection.truths import Truths


@dataclass(frozen=True, slots=True)
class LockOptions:
    """How `lock` adjusts the network. The defaults are for pets whose growth is known."""

    steps: int = 8
    feature_rank: int = 4  # of the offsets to the features, at least 3; 0: none
    weight_rank: int = 0  # of the changes to the convolutions; 0: none
    map_rate: float = 0.003  # learning rate of where features are offset
    direction_rate: float = 0.02  # and of which
    weight_rate: float = 0.04
    style_rate: float = 0.03
    betas: tuple[float, float] = (0.7, 0.95)  # of Adam; short memories suit short searches
    ramp_up: float = 0.0
    ramp_down: float = 0.3
    resolution: int = 128
    pixel_weight: float = 2.0
    edit_weight: float = 0.7
    ages: tuple[float, ...] = (1.0, 0.5, -0.3, 0.75)  # at which the edit is held, in turn
    edit_every: int = 4  # steps; in those between, only the photo counts
    dtype: torch.dtype | None = None  # of the synthesis; None: the quickest that the device has

    def __post_init__(self) -> None:
        if self.feature_rank in (1, 2):
            raise ValueError("three of the directions are the colours'")


WITHOUT_GROWTH = LockOptions(steps=32, feature_rank=0, weight_rank=6, ramp_up=0.1, edit_every=1)

_FITS = 3  # rounds in which the finest offsets are fitted: the activation bends what they add


@dataclass(frozen=True, slots=True)
class Growth:
    """How a pet grows."""

    picture: Callable[[float], Tensor]  # an age to the pet as it should look then, [1, 3, R, R] in -1..1
    motion: Callable[[float, int], Tensor]  # an age and a side to the way back to today, as `carried` wants it


class Lock(Search):
    """The search for the adjustments with which the picture at `ws` is `target`; the last step's are the answer.

    `age_vector` [num_ws, w_dim] is the edit, and locked too: `growth` says how the pet should look at an age, and the
    network learns to say so. Without it, what the edit changes in the large stays what it was before the lock. Either
    keeps the lock from hollowing out the edit, and colours and background from drifting with age.
    """

    def __init__(
        self,
        target: Tensor,
        ws: Tensor,
        generator: Generator,
        extractor: PerceptualDistance,
        age_vector: Tensor,
        options: LockOptions | None = None,
        growth: Growth | None = None,
        seed: int = 0,
    ) -> None:
        self._options = options = options or (WITHOUT_GROWTH if growth is None else LockOptions())
        super().__init__(generator, extractor, options.dtype)
        self._full = min(options.resolution, generator.config.img_resolution)
        self._ws, self._age_vector, self._growth = ws, age_vector, growth
        self._now = Truths(target, extractor, self.features_dtype)
        self._edits = _Edits(ws, age_vector, generator, extractor, self._full, growth, self.features_dtype)
        random = torch.Generator(target.device).manual_seed(seed)
        self._changes = Adjustments(
            styles=_style_offsets(generator, self._full),
            weights=_low_rank_changes(generator, self._full, options.weight_rank, random),
            features=self._feature_offsets(random) if options.feature_rank else {},
        )
        low, offsets = self._changes.weights.values(), self._changes.features.values()
        self._optimiser = torch.optim.Adam(
            [
                {"params": list(self._changes.styles.values()), "lr": options.style_rate},
                {"params": [part for one in low for part in (one.down, one.up)], "lr": options.weight_rate},
                {"params": [one.maps for one in offsets], "lr": options.map_rate},
                {"params": [one.directions for one in offsets], "lr": options.direction_rate},
            ],
            betas=options.betas,
        )
        self._distance = torch.zeros((), device=target.device)

    @property
    def done(self) -> bool:
        return self.index >= self._options.steps

    @property
    def resolution(self) -> int:
        return self._full

    @property
    def features_dtype(self) -> torch.dtype:
        return torch.float32  # so near to the photo, half precision would be much of what is left

    @property
    def _age(self) -> float:
        return self._options.ages[self.index // self._options.edit_every % len(self._options.ages)]

    @property
    def drawn(self) -> int:
        return 2 if self.index % self._options.edit_every == 0 else 1

    def draft(self) -> tuple[Tensor, Adjustments]:
        now, age = self._changes, self._age
        if self.drawn == 1:
            return self._ws, now
        ws = torch.cat([self._ws, self._ws + age * self._age_vector])
        if not now.features:
            return ws, now
        then = now if self._growth is None else carried(now, lambda side: self._edits.motion(age, side))
        both = {
            name: FeatureOffset(torch.stack([offset.maps, then.features[name].maps]), offset.directions)
            for name, offset in now.features.items()
        }
        return ws, replace(now, features=both)

    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        options = self._options
        distance = self._now.distance(features[:1], self._full)
        self._distance = distance.detach()
        loss = distance + options.pixel_weight * self._now.pixel_loss(pictures[:1], self._full)
        if self.drawn == 1:
            return loss
        return loss + options.edit_weight * self._edits.loss(self._age, pictures, features[1:], options.pixel_weight)

    def forget_gradients(self) -> None:
        self._optimiser.zero_grad(set_to_none=True)

    def descend(self) -> Step:
        options = self._options
        take(self._optimiser, ramp(self.index / options.steps, options.ramp_up, options.ramp_down))
        self.index += 1
        kept = converted(self._changes, lambda value: value.detach().clone())
        if self.done and kept.features:
            kept = self._with_the_finest(kept)
        return Step(self.index, options.steps, self._ws, self._distance, kept)

    @torch.no_grad()
    def _feature_offsets(self, random: torch.Generator) -> dict[str, FeatureOffset]:
        """For the last layers of the two largest blocks; the very last begins with all that is missing in the picture.

        Three directions are those of the colours, as the block's own features make them; the others are small.
        """
        rank = self._options.feature_rank
        drawn = self.generator.synthesis(self._ws, resolution=self._full, dtype=self.dtype)
        missing = self._now.picture(self._full) - drawn
        offsets = {}
        for side in [side for side in self.generator.config.resolutions if side <= self._full][-2:]:
            colours = self._colours(side)
            some = torch.randn(len(colours), rank - 3, generator=random, device=colours.device)
            directions = torch.cat([colours, some * (0.1 * colours.std())], dim=1)
            maps = torch.zeros(rank, side, side, device=colours.device)
            if side == self._full:
                maps[:3] = missing[0]
            offsets[f"b{side}.conv1"] = FeatureOffset(maps.requires_grad_(), directions.requires_grad_())
        return offsets

    @torch.no_grad()
    def _with_the_finest(self, found: Adjustments) -> Adjustments:
        """With offsets, too, for blocks larger than the search has looked at: what is still missing there."""
        features = dict(found.features)
        for side in [side for side in self.generator.config.resolutions if side > self._full]:
            colours = self._colours(side)
            maps = torch.zeros(3, side, side, device=colours.device)
            for _ in range(_FITS):
                features[f"b{side}.conv1"] = FeatureOffset(maps, colours)
                now = replace(found, features=features)
                drawn = self.generator.synthesis(self._ws, resolution=side, adjustments=now)
                maps = maps + (self._now.picture(side) - drawn)[0]
            features[f"b{side}.conv1"] = FeatureOffset(maps, colours)
        return replace(found, features=features)

    def _colours(self, side: int) -> Tensor:
        """[C, 3]: the block's features that make red, green and blue."""
        features: Tensor = torch.linalg.pinv(self.generator.synthesis.colours(self._ws, side)[0])
        return features


def lock(
    target: Tensor,
    ws: Tensor,
    generator: Generator,
    extractor: PerceptualDistance,
    age_vector: Tensor,
    options: LockOptions | None = None,
    growth: Growth | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """A `Lock` alone; yields a `Step` for each step taken."""
    return alone(Lock(target, ws, generator, extractor, age_vector, options, growth, seed))


class _Edits:
    """What the edit should make of the pet at each age."""

    def __init__(
        self,
        ws: Tensor,
        age_vector: Tensor,
        generator: Generator,
        extractor: PerceptualDistance,
        resolution: int,
        growth: Growth | None,
        dtype: torch.dtype,
    ) -> None:
        self._ws, self._age_vector = ws, age_vector
        self._generator, self._extractor, self._dtype = generator, extractor, dtype
        self._resolution = resolution
        self._growth = growth
        self._truths: dict[float, Truths] = {}
        self._motions: dict[tuple[float, int], Tensor] = {}
        self._changes: dict[float, Tensor] = {}

    def motion(self, age: float, side: int) -> Tensor:
        """The growth's, which must be known."""
        if self._growth is None:
            raise ValueError("nothing is known of the growth")
        if (age, side) not in self._motions:
            self._motions[age, side] = self._growth.motion(age, side)
        return self._motions[age, side]

    def loss(self, age: float, pair: Tensor, features: Tensor, pixel_weight: float) -> Tensor:
        """`pair` [2, 3, R, R] is the pet now and at `age`, as it is drawn; `features` are those of the latter."""
        if self._growth is None:
            return F.l1_loss(_thumbnail(pair[1:]) - _thumbnail(pair[:1]), self._change(age))
        if age not in self._truths:
            self._truths[age] = Truths(self._growth.picture(age), self._extractor, self._dtype)
        truth = self._truths[age]
        edited = pair[1:]
        side = edited.shape[-1]
        return truth.distance(features, side) + pixel_weight * truth.pixel_loss(edited, side)

    @torch.no_grad()
    def _change(self, age: float) -> Tensor:
        """What the edit changes in the large before the lock."""
        if age not in self._changes:
            ws = torch.cat([self._ws, self._ws + age * self._age_vector])
            before = _thumbnail(self._generator.synthesis(ws, resolution=self._resolution))
            self._changes[age] = before[1:] - before[:1]
        return self._changes[age]


def _thumbnail(picture: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(picture, 16)


def _style_offsets(generator: Generator, resolution: int) -> dict[str, Tensor]:
    return {
        name: torch.zeros(module.weight.shape[1], device=module.weight.device, requires_grad=True)
        for name, module in generator.convolutions(resolution)
    }


def _low_rank_changes(generator: Generator, resolution: int, rank: int, random: torch.Generator) -> dict[str, LowRank]:
    """Changes that change nothing yet, ready to be optimised."""
    changes: dict[str, LowRank] = {}
    for name, module in generator.convolutions(resolution) if rank else ():
        outputs, inputs = module.weight.shape[:2]
        device = module.weight.device
        down = torch.randn(rank, inputs, 3, 3, generator=random, device=device) / math.sqrt(rank)
        changes[name] = LowRank(down.requires_grad_(), torch.zeros(outputs, rank, device=device, requires_grad=True))
    return changes
