"""Finding a pet in the latent space of a generator.

`project` searches the latents whose picture is nearest to a photo; `lock` then adjusts the network itself, a little
and for this pet alone, until the picture is the photo. Both are generators that yield once a step, so that progress,
cancelling and taking turns are a matter of the caller's `for`.

Sources: Abdal et al. 2019 ("Image2StyleGAN", W+); Karras et al. 2020a, appendix D (the official projector, here
`OFFICIAL`); Zhu et al. 2020 ("In-Domain GAN Inversion", an encoder's start); Roich et al. 2021 ("Pivotal Tuning");
Hu et al. 2021 ("LoRA", changes of low rank).

Pictures are [1, 3, R, R] in -1..1, ws [1, num_ws, w_dim].
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generator import UNADJUSTED, Adjustments, Generator, LowRank, StyledConvolution
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


@dataclass(frozen=True, slots=True)
class Step:
    """Where a projection or a lock stands. `distance` stays on the device: reading it waits for the device."""

    index: int  # 1 for the first
    steps: int  # how many there will be at most
    ws: Tensor
    distance: Tensor  # [] perceptual distance at this step
    adjustments: Adjustments


def project(
    target: Tensor,
    generator: Generator,
    statistics: WStatistics,
    extractor: PerceptualDistance,
    options: ProjectionOptions | None = None,
    start: Tensor | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    """Search the ws whose picture is nearest to `target`; yields a `Step` for each step taken.

    `start` is where to begin: w [1, w_dim] or ws, by default the mean of w. The last step's ws are the answer.
    """
    options = options or ProjectionOptions()
    config = generator.config
    device = target.device
    mean = statistics.mean
    scale = statistics.std.clamp(min=1e-4) if options.whitened else torch.ones_like(mean)
    rows = config.num_ws if options.space is Space.W_PLUS else 1
    origin = mean.expand(1, rows, -1) if start is None else _as_rows(start, rows)
    offset = torch.zeros_like(origin).requires_grad_()
    random = torch.Generator(device).manual_seed(seed)
    noises = _noise_maps(generator, options, random) if options.noise_weight is not None else {}
    optimiser = torch.optim.Adam([offset, *noises.values()], lr=options.learning_rate, betas=(0.9, 0.999))
    truths = _Truths(target, extractor)
    plateau = _Plateau(options.patience, options.tolerance)

    for index in range(options.steps):
        done = index / options.steps
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * _ramp(done, options.ramp_up, options.ramp_down)
        coarse = done < options.coarse_share
        resolution = min(options.resolution, config.img_resolution) // (2 if coarse else 1)
        w = origin + offset * scale
        ws = w.expand(-1, config.num_ws, -1)
        if options.w_noise:
            strength = options.w_noise * statistics.spread * max(0.0, 1 - done / options.w_noise_share) ** 2
            ws = ws + torch.randn(w.shape, generator=random, device=device) * strength
        adjustments = Adjustments(noises=noises)
        picture = generator.synthesis(ws, resolution=resolution, adjustments=adjustments)
        distance = truths.distance(picture, resolution)
        loss = distance
        if options.pixel_weight:
            loss = loss + options.pixel_weight * truths.pixel_loss(picture, resolution)
        if options.prior_weight:
            loss = loss + options.prior_weight * ((w - mean) / statistics.std.clamp(min=1e-4)).square().mean()
        if options.delta_weight and rows > 1:
            loss = loss + options.delta_weight * (offset - offset.mean(dim=1, keepdim=True)).square().mean()
        if options.noise_weight is not None:
            loss = loss + options.noise_weight * _noise_correlation(noises)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            for noise in noises.values():
                noise.sub_(noise.mean()).mul_(noise.square().mean().rsqrt())
        found = (origin + offset * scale).detach().expand(-1, config.num_ws, -1)
        kept = {name: noise.detach() for name, noise in noises.items()}
        yield Step(index + 1, options.steps, found, distance.detach(), Adjustments(noises=kept) if kept else UNADJUSTED)
        if not coarse and plateau.reached(distance):
            return


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
    """Adjust the network for this pet until its picture at `ws` is `target`; the last step's adjustments are kept.

    Pivotal tuning, with changes of low rank to the convolutions and offsets to the styles instead of all weights, so
    that they are small to keep and many pets can share a batch. `age_vector` [num_ws, w_dim] is the edit, and locked
    too: `grown` gives the pet [1, 3, R, R] as it should look at an age, and the network learns to say so. Without it,
    what the edit changes in the large stays what it was before the lock. Either keeps the lock from hollowing out the
    edit, and colours and background from drifting with age.
    """
    options = options or LockOptions()
    resolution = min(options.resolution, generator.config.img_resolution)
    random = torch.Generator(target.device).manual_seed(seed)
    styles, weights = _fresh_changes(generator, options.rank, resolution, random)
    parts = [part for change in weights.values() for part in (change.down, change.up)]
    optimiser = torch.optim.Adam(
        [
            {"params": parts, "base": options.learning_rate},
            {"params": list(styles.values()), "base": options.style_rate},
        ],
        lr=options.learning_rate,
        betas=(0.9, 0.99),
    )
    now = _Truths(target, extractor)
    edits = _Edits(ws, age_vector, generator, extractor, resolution, grown)
    adjustments = Adjustments(styles=styles, weights=weights)
    for index in range(options.steps):
        rate = _ramp(index / options.steps, options.ramp_up, options.ramp_down)
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * rate
        age = options.ages[index % len(options.ages)]
        side = resolution // 2 if index < options.coarse_share * options.steps else resolution
        pair = generator.synthesis(torch.cat([ws, ws + age * age_vector]), resolution=side, adjustments=adjustments)
        distance = now.distance(pair[:1], side)
        loss = distance + options.pixel_weight * now.pixel_loss(pair[:1], side)
        loss = loss + options.edit_weight * edits.loss(age, pair, options.pixel_weight)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        kept = Adjustments(
            styles={name: style.detach().clone() for name, style in styles.items()},
            weights={name: LowRank(c.down.detach().clone(), c.up.detach().clone()) for name, c in weights.items()},
        )
        yield Step(index + 1, options.steps, ws, distance.detach(), kept)


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

    def loss(self, age: float, pair: Tensor, pixel_weight: float) -> Tensor:
        """`pair` [2, 3, R, R] is the pet now and at `age`, as the adjusted network draws it."""
        if self._grown is None:
            return F.l1_loss(_thumbnail(pair[1:]) - _thumbnail(pair[:1]), self._change(age))
        if age not in self._truths:
            self._truths[age] = _Truths(self._grown(age), self._extractor)
        truth = self._truths[age]
        edited = pair[1:]
        side = edited.shape[-1]
        return truth.distance(edited, side) + pixel_weight * truth.pixel_loss(edited, side)

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

    def distance(self, picture: Tensor, resolution: int) -> Tensor:
        return (self._extractor.features(picture) - self._get(resolution)[1]).square().sum()

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
