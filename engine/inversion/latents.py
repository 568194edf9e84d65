"""Search the latents whose picture is nearest to a photo.

Sources: Abdal et al. 2019 ("Image2StyleGAN", W+); Karras et al. 2020a, appendix D (the official projector, here
`OFFICIAL`); Zhu et al. 2020 ("In-Domain GAN Inversion", an encoder's start).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.inversion.search import Search, SearchStep, Target, optimiser_step, ramp
from engine.stylegan.generator import UNADJUSTED, Adjustments, Generator
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store.statistics import WStatistics

_MIN_RESOLUTION = 16  # px; VGG16's deepest features of smaller pictures are empty


class Space(StrEnum):
    """The latents among which a projection searches."""

    W = "w"  # one w for all layers
    W_PLUS = "w+"  # one w a layer


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """How a `Projection` searches. The defaults are for a search from the mean of w."""

    steps: int = 60
    space: Space = Space.W_PLUS
    learning_rate: float = 0.2
    betas: tuple[float, float] = (0.7, 0.95)  # of Adam; short memories suit short searches
    ramp_up: float = 0.05  # share of the steps over which the learning rate rises
    ramp_down: float = 0.3  # and over which it falls, as a cosine
    whitened: bool = True  # the learning rate is in standard deviations of w
    coarse_shares: tuple[float, ...] = (0.3, 0.4)  # shares of the steps at … a quarter and half of the resolution
    resolution: int = 128  # the synthesis stops here; the photo is reduced to it
    pixel_weight: float = 1.0
    prior_weight: float = 0.003  # pull towards the mean of w
    delta_weight: float = 0.2  # pull of a layer's w towards the mean of the layers (W+)
    w_noise: float = 0.0  # in units of the spread of w, falling to 0 over `w_noise_share` of the steps
    w_noise_share: float = 0.75
    noise_weight: float | None = None  # optimise the noise maps too, with this much regularisation
    patience: int = 15  # stop after so many steps in which the distance has not fallen by `tolerance`; 0: never
    tolerance: float = 0.01
    dtype: torch.dtype | None = None  # of the synthesis; None: the device's fastest


# An encoder's guess has the coarse structure already: no coarse steps, the resolution of the perceptual distance from
# the first step, and no gentle start.
ENCODER_INITIALISED = ProjectionOptions(steps=14, coarse_shares=(), ramp_up=0.0, resolution=256)

# The published algorithm, to compare with.
OFFICIAL = ProjectionOptions(
    steps=1000,
    space=Space.W,
    learning_rate=0.1,
    betas=(0.9, 0.999),
    ramp_up=0.05,
    ramp_down=0.25,
    whitened=False,
    coarse_shares=(),
    resolution=1024,
    pixel_weight=0.0,
    prior_weight=0.0,
    delta_weight=0.0,
    w_noise=0.05,
    noise_weight=1e5,
    patience=0,
    dtype=torch.float32,
)


class Projection(Search):
    """The search for the ws whose picture is nearest to `target`.

    `start` is the first guess, w [1, w_dim] or ws, by default the mean of w; `options` default to those for such a
    start. The result is the last step's ws.
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
        self._options = options = options or (ProjectionOptions() if start is None else ENCODER_INITIALISED)
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
        self.optimiser = torch.optim.Adam(parameters, lr=options.learning_rate, betas=options.betas)
        self._target = Target(target, extractor, self.features_dtype)
        self._fine_distances: list[Tensor] = []  # of the steps at full resolution
        self._converged = False
        self._distance = torch.zeros((), device=target.device)

    @property
    def done(self) -> bool:
        return self._converged or self.index >= self._options.steps

    @property
    def resolution(self) -> int:
        full = min(self._options.resolution, self.generator.config.img_resolution)
        return max(full >> self._halvings, min(full, _MIN_RESOLUTION))

    @property
    def _halvings(self) -> int:
        """How often the resolution of this step is halved."""
        ends = accumulate(self._options.coarse_shares)
        return sum(self._done < end for end in ends)

    @property
    def _done(self) -> float:
        return self.index / self._options.steps

    @property
    def _w(self) -> Tensor:
        return self._origin + self._offset * self._scale

    def forward_inputs(self) -> tuple[Tensor, Adjustments]:
        options, w = self._options, self._w
        ws = w.expand(-1, self.generator.config.num_ws, -1)
        if options.w_noise:
            strength = self._noise_scale * max(0.0, 1 - self._done / options.w_noise_share) ** 2
            ws = ws + torch.randn(w.shape, generator=self._random, device=w.device) * strength
        return ws, Adjustments(noises=self._noises)

    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        options, w = self._options, self._w
        distance = self._target.distance(features, self.resolution)
        self._distance = distance.detach()
        loss = distance
        if options.pixel_weight:
            loss = loss + options.pixel_weight * self._target.pixel_loss(pictures, self.resolution)
        if options.prior_weight:
            loss = loss + options.prior_weight * ((w - self._mean) / self._std).square().mean()
        if options.delta_weight and w.shape[1] > 1:
            apart = self._offset - self._offset.mean(dim=1, keepdim=True)
            loss = loss + options.delta_weight * apart.square().mean()
        if options.noise_weight is not None:
            loss = loss + options.noise_weight * _noise_correlation(self._noises)
        return loss

    def update(self) -> SearchStep:
        options = self._options
        optimiser_step(self.optimiser, ramp(self._done, options.ramp_up, options.ramp_down))
        with torch.no_grad():
            for noise in self._noises.values():
                noise.sub_(noise.mean()).mul_(noise.square().mean().rsqrt())
            found = self._w.expand(-1, self.generator.config.num_ws, -1)
        kept = {name: noise.detach() for name, noise in self._noises.items()}
        if not self._halvings:
            self._fine_distances.append(self._distance)
            self._converged = _has_stopped(self._fine_distances, options.patience, options.tolerance)
        self.index += 1
        return SearchStep(
            self.index, options.steps, found, self._distance, Adjustments(noises=kept) if kept else UNADJUSTED
        )


def _as_rows(start: Tensor, rows: int) -> Tensor:
    """w [1, w_dim] or ws [1, n, w_dim] as [1, rows, w_dim]."""
    start = start.detach()
    if start.dim() == 2:
        start = start.unsqueeze(1)
    return start.expand(-1, rows, -1) if start.shape[1] == 1 or rows > 1 else start.mean(dim=1, keepdim=True)


def _has_stopped(distances: Sequence[Tensor], patience: int, tolerance: float) -> bool:
    """Whether the distance of the last steps has not fallen by `tolerance` in `patience` steps; never with 0."""
    if not patience or len(distances) < 2 * patience or len(distances) % 5:
        return False  # reading waits for the device, so only every fifth step
    recent = torch.stack([*distances[-patience:]]).mean()
    before = torch.stack([*distances[-2 * patience : -patience]]).mean()
    return bool(recent > before * (1 - tolerance))


def _noise_maps(generator: Generator, options: ProjectionOptions, random: torch.Generator) -> dict[str, Tensor]:
    """Fresh noise maps for every layer, to be optimised."""
    resolution = min(options.resolution, generator.config.img_resolution)
    return {
        name: torch.randn(
            module.noise_const.shape, generator=random, device=module.noise_const.device, requires_grad=True
        )
        for name, module in generator.convolutions(resolution)
    }


def _noise_correlation(noises: Mapping[str, Tensor]) -> Tensor:
    """Correlation of noise maps with themselves shifted by one pixel, [], at every scale down to 8 px."""
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
