"""Finding a pet in the latent space of a generator.

A `Projection` searches the latents whose picture is nearest to a photo; a `Lock` then adjusts the network itself, a
little and for this pet alone, until the picture is the photo. Each is a search that holds all its own state: schedule,
moments, random numbers, step. `advance` takes a step with many of them as one batch, and who shares a batch makes no
difference to what is found. `project` and `lock` are generators for one photo that yield once a step, so that progress
and cancelling are a matter of the caller's `for`.

Sources: Abdal et al. 2019 ("Image2StyleGAN", W+); Karras et al. 2020a, appendix D (the official projector, here
`OFFICIAL`); Zhu et al. 2020 ("In-Domain GAN Inversion", an encoder's start); Roich et al. 2021 ("Pivotal Tuning");
Hu et al. 2021 ("LoRA", changes of low rank).

Pictures are [1, 3, R, R] in -1..1, ws [1, num_ws, w_dim].
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generator import UNADJUSTED, Adjustments, Generator, LowRank, StyledConvolution, quick_dtype
from engine.networks.statistics import WStatistics
from engine.perceptual import PerceptualDistance


class Space(StrEnum):
    """Which latents a projection may use."""

    W = "w"  # one w for all layers
    W_PLUS = "w+"  # one w a layer


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """How `project` searches. The defaults are ours; `OFFICIAL` is the published algorithm."""

    steps: int = 50
    space: Space = Space.W_PLUS
    learning_rate: float = 0.12
    ramp_up: float = 0.05  # share of the steps over which the learning rate rises
    ramp_down: float = 0.3  # and over which it falls, as a cosine
    whitened: bool = True  # the learning rate counts in standard deviations of w
    coarse_share: float = 0.5  # share of the steps at half the resolution
    resolution: int = 128  # the synthesis stops here; the photo is reduced to it
    pixel_weight: float = 1.0
    prior_weight: float = 0.003  # pull towards the mean of w
    delta_weight: float = 0.02  # pull of a layer's w towards the mean of the layers (W+)
    w_noise: float = 0.0  # in units of the spread of w, falling to 0 over `w_noise_share` of the steps
    w_noise_share: float = 0.75
    noise_weight: float | None = None  # optimise the noise maps too, with this much regularisation
    patience: int = 15  # stop when the distance has not fallen by `tolerance` for so many steps; 0: never
    tolerance: float = 0.01
    dtype: torch.dtype | None = None  # of the synthesis; None: the quickest that the device has


OFFICIAL = ProjectionOptions(
    steps=1000,
    space=Space.W,
    learning_rate=0.1,
    ramp_up=0.05,
    ramp_down=0.25,
    whitened=False,
    coarse_share=0.0,
    resolution=1024,
    pixel_weight=0.0,
    prior_weight=0.0,
    delta_weight=0.0,
    w_noise=0.05,
    noise_weight=1e5,
    patience=0,
    dtype=torch.float32,
)


@dataclass(frozen=True, slots=True)
class LockOptions:
    """How `lock` adjusts the network."""

    steps: int = 32
    rank: int = 6
    learning_rate: float = 0.02
    style_rate: float = 0.03
    ramp_up: float = 0.1
    ramp_down: float = 0.3
    coarse_share: float = 0.5  # share of the steps at half the resolution
    resolution: int = 128
    pixel_weight: float = 2.0
    edit_weight: float = 0.7
    ages: tuple[float, ...] = (1.0, 0.5, 0.75, 0.25, 1.2, -0.3)  # at which the edit is held, in turn
    dtype: torch.dtype | None = None  # of the synthesis; None: the quickest that the device has


@dataclass(frozen=True, slots=True)
class Step:
    """Where a projection or a lock stands. `distance` stays on the device: reading it waits for the device."""

    index: int  # 1 for the first
    steps: int  # how many there will be at most
    ws: Tensor
    distance: Tensor  # [] perceptual distance at this step
    adjustments: Adjustments


class Search(ABC):
    """One photo's search, a step at a time. All of its state is its own."""

    def __init__(self, generator: Generator, extractor: PerceptualDistance, dtype: torch.dtype | None) -> None:
        self.generator = generator
        self.extractor = extractor
        self.dtype = dtype or quick_dtype(generator.mapping.w_avg.device)
        self.index = 0  # steps taken
        self._outcome: Step | Exception | None = None

    @property
    @abstractmethod
    def done(self) -> bool:
        """No step is left to take."""

    @property
    @abstractmethod
    def resolution(self) -> int:
        """Of the pictures of the next step."""

    @abstractmethod
    def draft(self) -> tuple[Tensor, Adjustments]:
        """What the next step draws: ws [P, num_ws, w_dim] and the changes to the network, the same for all P."""

    @abstractmethod
    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        """[] of the pictures [P, 3, R, R] that were drawn and of their features [P, F]."""

    @abstractmethod
    def descend(self) -> Step:
        """Take the step, now that the gradients are there."""

    @property
    def pending(self) -> bool:
        """A step has not been taken that somebody will ask for."""
        return self._outcome is None and not self.done

    def settle(self, outcome: Step | Exception) -> None:
        self._outcome = outcome

    def step(self) -> Step:
        """The step taken since the last call. One that nobody has taken yet is taken now, without company.

        Raises whatever went wrong in it.
        """
        if self._outcome is None:
            advance([self])
        outcome, self._outcome = self._outcome, None
        if not isinstance(outcome, Step):
            raise outcome or RuntimeError("a search went on beyond its end")
        return outcome


def advance(searches: Sequence[Search]) -> None:
    """Take a step of the first search, together with all of the others that can share its batch.

    Each is settled with its step or with its own error, and `Search.step` gives it. The rest stay as they were.
    """
    batch = [search for search in searches if search.pending]
    batch = [search for search in batch if _company(search) == _company(batch[0])]
    try:
        _step_together(batch)
    except Exception as error:  # one of them, or the batch is more than the memory holds: then each for itself
        if len(batch) <= 1:
            for search in batch:
                search.settle(error)
            return
        for search in batch:
            advance([search])


def _company(search: Search) -> tuple[object, ...]:
    """What searches must have in common to share a batch."""
    return type(search), id(search.generator), id(search.extractor), search.resolution, search.dtype


def _step_together(batch: Sequence[Search]) -> None:
    """Raises what went wrong before any of the searches has moved."""
    if not batch:
        return
    drafts = [search.draft() for search in batch]
    counts = [len(ws) for ws, _ in drafts]
    first = batch[0]
    pictures = first.generator.synthesis(
        torch.cat([ws for ws, _ in drafts]),
        resolution=first.resolution,
        adjustments=_side_by_side([adjustments for _, adjustments in drafts], counts),
        dtype=first.dtype,
    )
    features = first.extractor.features(pictures)
    shares = zip(batch, torch.split(pictures, counts), torch.split(features, counts), strict=True)
    losses = [search.loss(own, own_features) for search, own, own_features in shares]
    torch.autograd.backward(torch.stack(losses).sum())  # no gradient of one depends on another
    for search in batch:
        search.settle(search.descend())


def _side_by_side(adjustments: Sequence[Adjustments], counts: Sequence[int]) -> Adjustments:
    """The changes of several searches as one for their pictures together, `counts` of each."""
    if len(adjustments) == 1:
        return adjustments[0]

    def rows(parts: list[Tensor]) -> Tensor:
        return torch.cat([part[None].expand(n, *part.shape) for part, n in zip(parts, counts, strict=True)])

    first = adjustments[0]
    return Adjustments(
        styles={name: rows([one.styles[name] for one in adjustments]) for name in first.styles},
        noises={name: rows([one.noises[name][None] for one in adjustments]) for name in first.noises},
        weights={
            name: LowRank(
                torch.stack([one.weights[name].down for one in adjustments]),
                torch.stack([one.weights[name].up for one in adjustments]),
            )
            for name in first.weights
        },
    )


class Projection(Search):
    """The search for the ws whose picture is nearest to `target`.

    `start` is where to begin: w [1, w_dim] or ws, by default the mean of w. The last step's ws are the answer.
    """

    def __init__(
        self,
        target: Tensor,
        generator: Generator,
        statistics: WStatistics,
        extractor: PerceptualDistance,
        options: ProjectionOptions | None = None,
        start: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        self._options = options = options or ProjectionOptions()
        super().__init__(generator, extractor, options.dtype)
        self._mean, self._std = statistics.mean, statistics.std.clamp(min=1e-4)
        self._scale = self._std if options.whitened else torch.ones_like(self._mean)
        self._noise_scale = options.w_noise * statistics.spread
        rows = generator.config.num_ws if options.space is Space.W_PLUS else 1
        self._origin = self._mean.expand(1, rows, -1) if start is None else _as_rows(start, rows)
        self._offset = torch.zeros_like(self._origin).requires_grad_()
        self._random = torch.Generator(target.device).manual_seed(seed)
        wanted = options.noise_weight is not None
        self._noises = _noise_maps(generator, options, self._random) if wanted else {}
        parameters = [self._offset, *self._noises.values()]
        self._optimiser = torch.optim.Adam(parameters, lr=options.learning_rate, betas=(0.9, 0.999))
        self._truths = _Truths(target, extractor)
        self._plateau = _Plateau(options.patience, options.tolerance)
        self._settled = False
        self._distance = torch.zeros((), device=target.device)

    @property
    def done(self) -> bool:
        return self._settled or self.index >= self._options.steps

    @property
    def resolution(self) -> int:
        full = min(self._options.resolution, self.generator.config.img_resolution)
        return full // 2 if self._coarse else full

    @property
    def _coarse(self) -> bool:
        return self._done < self._options.coarse_share

    @property
    def _done(self) -> float:
        return self.index / self._options.steps

    @property
    def _w(self) -> Tensor:
        return self._origin + self._offset * self._scale

    def draft(self) -> tuple[Tensor, Adjustments]:
        options, w = self._options, self._w
        ws = w.expand(-1, self.generator.config.num_ws, -1)
        if options.w_noise:
            strength = self._noise_scale * max(0.0, 1 - self._done / options.w_noise_share) ** 2
            ws = ws + torch.randn(w.shape, generator=self._random, device=w.device) * strength
        return ws, Adjustments(noises=self._noises)

    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        options, w = self._options, self._w
        distance = self._truths.distance(features, self.resolution)
        self._distance = distance.detach()
        loss = distance
        if options.pixel_weight:
            loss = loss + options.pixel_weight * self._truths.pixel_loss(pictures, self.resolution)
        if options.prior_weight:
            loss = loss + options.prior_weight * ((w - self._mean) / self._std).square().mean()
        if options.delta_weight and w.shape[1] > 1:
            apart = self._offset - self._offset.mean(dim=1, keepdim=True)
            loss = loss + options.delta_weight * apart.square().mean()
        if options.noise_weight is not None:
            loss = loss + options.noise_weight * _noise_correlation(self._noises)
        return loss

    def descend(self) -> Step:
        options = self._options
        _take(self._optimiser, _ramp(self._done, options.ramp_up, options.ramp_down))
        with torch.no_grad():
            for noise in self._noises.values():
                noise.sub_(noise.mean()).mul_(noise.square().mean().rsqrt())
            found = self._w.expand(-1, self.generator.config.num_ws, -1)
        kept = {name: noise.detach() for name, noise in self._noises.items()}
        fine = not self._coarse
        self.index += 1
        self._settled = fine and self._plateau.reached(self._distance)
        return Step(self.index, options.steps, found, self._distance, Adjustments(noises=kept) if kept else UNADJUSTED)


class Lock(Search):
    """The network adjusted for this pet until its picture at `ws` is `target`; the last step's adjustments are kept.

    Pivotal tuning, with changes of low rank to the convolutions and offsets to the styles instead of all weights, so
    that they are small to keep and many pets can share a batch. `age_vector` [num_ws, w_dim] is the edit, and locked
    too: `grown` gives the pet [1, 3, R, R] as it should look at an age, and the network learns to say so. Without it,
    what the edit changes in the large stays what it was before the lock. Either keeps the lock from hollowing out the
    edit, and colours and background from drifting with age.
    """

    def __init__(
        self,
        target: Tensor,
        ws: Tensor,
        generator: Generator,
        extractor: PerceptualDistance,
        age_vector: Tensor,
        options: LockOptions | None = None,
        grown: Callable[[float], Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        self._options = options = options or LockOptions()
        super().__init__(generator, extractor, options.dtype)
        self._full = min(options.resolution, generator.config.img_resolution)
        random = torch.Generator(target.device).manual_seed(seed)
        self._styles, self._weights = _fresh_changes(generator, options.rank, self._full, random)
        parts = [part for change in self._weights.values() for part in (change.down, change.up)]
        self._optimiser = torch.optim.Adam(
            [
                {"params": parts, "lr": options.learning_rate},
                {"params": list(self._styles.values()), "lr": options.style_rate},
            ],
            betas=(0.9, 0.99),
        )
        self._ws, self._age_vector = ws, age_vector
        self._now = _Truths(target, extractor)
        self._edits = _Edits(ws, age_vector, generator, extractor, self._full, grown)
        self._distance = torch.zeros((), device=target.device)

    @property
    def done(self) -> bool:
        return self.index >= self._options.steps

    @property
    def resolution(self) -> int:
        return self._full // 2 if self.index < self._options.coarse_share * self._options.steps else self._full

    @property
    def _age(self) -> float:
        return self._options.ages[self.index % len(self._options.ages)]

    def draft(self) -> tuple[Tensor, Adjustments]:
        ws = torch.cat([self._ws, self._ws + self._age * self._age_vector])
        return ws, Adjustments(styles=self._styles, weights=self._weights)

    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        options, side = self._options, self.resolution
        distance = self._now.distance(features[:1], side)
        self._distance = distance.detach()
        loss = distance + options.pixel_weight * self._now.pixel_loss(pictures[:1], side)
        return loss + options.edit_weight * self._edits.loss(self._age, pictures, features[1:], options.pixel_weight)

    def descend(self) -> Step:
        options = self._options
        _take(self._optimiser, _ramp(self.index / options.steps, options.ramp_up, options.ramp_down))
        kept = Adjustments(
            styles={name: style.detach().clone() for name, style in self._styles.items()},
            weights={
                name: LowRank(c.down.detach().clone(), c.up.detach().clone()) for name, c in self._weights.items()
            },
        )
        self.index += 1
        return Step(self.index, options.steps, self._ws, self._distance, kept)


def _take(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """A step at this share of the learning rates."""
    bases = [group["lr"] for group in optimiser.param_groups]
    for group, base in zip(optimiser.param_groups, bases, strict=True):
        group["lr"] = base * rate
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    for group, base in zip(optimiser.param_groups, bases, strict=True):
        group["lr"] = base


def project(
    target: Tensor,
    generator: Generator,
    statistics: WStatistics,
    extractor: PerceptualDistance,
    options: ProjectionOptions | None = None,
    start: Tensor | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """A `Projection` alone; yields a `Step` for each step taken."""
    return _alone(Projection(target, generator, statistics, extractor, options, start, seed))


def lock(
    target: Tensor,
    ws: Tensor,
    generator: Generator,
    extractor: PerceptualDistance,
    age_vector: Tensor,
    options: LockOptions | None = None,
    grown: Callable[[float], Tensor] | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """A `Lock` alone; yields a `Step` for each step taken."""
    return _alone(Lock(target, ws, generator, extractor, age_vector, options, grown, seed))


def _alone(search: Search) -> Iterator[Step]:
    while not search.done:
        yield search.step()


class _Edits:
    """What the edit should make of the pet at each age."""

    def __init__(
        self,
        ws: Tensor,
        age_vector: Tensor,
        generator: Generator,
        extractor: PerceptualDistance,
        resolution: int,
        grown: Callable[[float], Tensor] | None,
    ) -> None:
        self._ws, self._age_vector = ws, age_vector
        self._generator, self._extractor = generator, extractor
        self._resolution = resolution
        self._grown = grown
        self._truths: dict[float, _Truths] = {}
        self._changes: dict[float, Tensor] = {}

    def loss(self, age: float, pair: Tensor, features: Tensor, pixel_weight: float) -> Tensor:
        """`pair` [2, 3, R, R] is the pet now and at `age`, as it is drawn; `features` are those of the latter."""
        if self._grown is None:
            return F.l1_loss(_thumbnail(pair[1:]) - _thumbnail(pair[:1]), self._change(age))
        if age not in self._truths:
            self._truths[age] = _Truths(self._grown(age), self._extractor)
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


def _as_rows(start: Tensor, rows: int) -> Tensor:
    """w [1, w_dim] or ws [1, n, w_dim] as [1, rows, w_dim]."""
    start = start.detach()
    if start.dim() == 2:
        start = start.unsqueeze(1)
    return start.expand(-1, rows, -1) if start.shape[1] == 1 or rows > 1 else start.mean(dim=1, keepdim=True)


def _ramp(done: float, up: float, down: float) -> float:
    """The learning rate's factor after a share `done` of the steps: linear rise, cosine fall."""
    fall = min(1.0, (1 - done) / down) if down else 1.0
    return (0.5 - 0.5 * math.cos(fall * math.pi)) * (min(1.0, max(done, 1e-3) / up) if up else 1.0)


def _thumbnail(picture: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(picture, 16)


def _at(picture: Tensor, resolution: int) -> Tensor:
    if picture.shape[-1] == resolution:
        return picture
    mode = "area" if picture.shape[-1] > resolution else "bicubic"
    return F.interpolate(picture, (resolution, resolution), mode=mode)


class _Truths:
    """The target at every resolution asked for, with its features."""

    def __init__(self, target: Tensor, extractor: PerceptualDistance) -> None:
        self._target = target
        self._extractor = extractor
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def _get(self, resolution: int) -> tuple[Tensor, Tensor]:
        if resolution not in self._kept:
            with torch.no_grad():
                picture = _at(self._target, resolution)
                self._kept[resolution] = picture, self._extractor.features(picture)
        return self._kept[resolution]

    def distance(self, features: Tensor, resolution: int) -> Tensor:
        """The perceptual distance of a picture with these features [1, F]."""
        return (features - self._get(resolution)[1]).square().sum()

    def pixel_loss(self, picture: Tensor, resolution: int) -> Tensor:
        """L1 over a pyramid of three levels."""
        ours, theirs = picture, self._get(resolution)[0]
        loss = F.l1_loss(ours, theirs)
        for _ in range(2):
            ours, theirs = F.avg_pool2d(ours, 2), F.avg_pool2d(theirs, 2)
            loss = loss + F.l1_loss(ours, theirs)
        return loss / 3


class _Plateau:
    """Notices that a distance has stopped falling."""

    def __init__(self, patience: int, tolerance: float) -> None:
        self._patience, self._tolerance = patience, tolerance
        self._distances: list[Tensor] = []

    def reached(self, distance: Tensor) -> bool:
        if not self._patience:
            return False
        self._distances.append(distance.detach())
        n = self._patience
        if len(self._distances) < 2 * n or len(self._distances) % 5:
            return False  # reading the device only now and then
        recent = torch.stack(self._distances[-n:]).mean()
        before = torch.stack(self._distances[-2 * n : -n]).mean()
        return bool(recent > before * (1 - self._tolerance))


def _convolutions(generator: Generator, resolution: int) -> Iterator[tuple[str, StyledConvolution]]:
    for name, module in generator.synthesis.named_modules():
        if isinstance(module, StyledConvolution) and int(name.split(".")[0][1:]) <= resolution:
            yield name, module


def _noise_maps(generator: Generator, options: ProjectionOptions, random: torch.Generator) -> dict[str, Tensor]:
    """Fresh noise maps for every layer, to be optimised."""
    resolution = min(options.resolution, generator.config.img_resolution)
    return {
        name: torch.randn(
            module.noise_const.shape, generator=random, device=module.noise_const.device, requires_grad=True
        )
        for name, module in _convolutions(generator, resolution)
    }


def _noise_correlation(noises: Mapping[str, Tensor]) -> Tensor:
    """How much noise maps correlate with themselves one pixel on, at every scale down to 8 px."""
    total = torch.zeros((), device=next(iter(noises.values())).device)
    for noise in noises.values():
        level = noise[None, None]
        while True:
            total = (
                total
                + (level * level.roll(1, dims=3)).mean().square()
                + (level * level.roll(1, dims=2)).mean().square()
            )
            if level.shape[-1] <= 8:
                break
            level = F.avg_pool2d(level, 2) * 2  # keeps the variance of white noise
    return total


def _fresh_changes(
    generator: Generator, rank: int, resolution: int, random: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, LowRank]]:
    """Changes that change nothing yet, ready to be optimised."""
    styles: dict[str, Tensor] = {}
    weights: dict[str, LowRank] = {}
    for name, module in _convolutions(generator, resolution):
        outputs, inputs = module.weight.shape[:2]
        device = module.weight.device
        down = torch.randn(rank, inputs, 3, 3, generator=random, device=device) / math.sqrt(rank)
        weights[name] = LowRank(down.requires_grad_(), torch.zeros(outputs, rank, device=device, requires_grad=True))
        styles[name] = torch.zeros(inputs, device=device, requires_grad=True)
    return styles, weights
