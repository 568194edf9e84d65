"""Adjust a network to one pet until it draws the photo.

Pivotal tuning (Roich et al. 2021) changes all weights; here few numbers are changed, which are kept with a portrait.

Where the growth of the face is known, `solve_feature_offsets` solves for offsets to the last features, which are moved
along with the growth; as nothing before them changes, the edit keeps its effect. Where growth is not known, such
offsets would stay in place while the edit moves the face. There a `PivotalTuning` searches offsets to the styles and
low-rank changes of the convolutions (Hu et al. 2021, "LoRA"), and keeps the edit's effect as it was.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.inversion.search import Search, SearchStep, Target, optimiser_step, ramp
from engine.stylegan.adjustments import converted
from engine.stylegan.generator import Adjustments, FeatureOffset, Generator, LowRank
from engine.stylegan.perceptual import PerceptualDistance


@torch.no_grad()
def solve_feature_offsets(target: Tensor, ws: Tensor, generator: Generator) -> Adjustments:
    """Solve for the offsets with which the picture at `ws` is `target` [1, 3, R, R], R the network's own resolution.

    The maps are the difference of the pictures, the directions the smallest changes of features that give its colours.
    """
    side = generator.config.img_resolution
    missing = target - generator.synthesis(ws)
    directions = torch.linalg.pinv(generator.synthesis.colours(ws, side)[0])
    return Adjustments(features={f"b{side}.conv1": FeatureOffset(missing[0], directions)})


@dataclass(frozen=True, slots=True)
class TuningOptions:
    """How a `PivotalTuning` adjusts the network."""

    steps: int = 32
    rank: int = 6  # of the changes to the convolutions; 16 is hardly nearer to the photo
    weight_rate: float = 0.04  # learning rate of these
    style_rate: float = 0.03  # learning rate of the offsets to the styles
    betas: tuple[float, float] = (0.7, 0.95)  # of Adam; short memories suit short searches
    ramp_up: float = 0.1  # share of the steps over which the learning rates rise
    ramp_down: float = 0.3  # and over which they fall, as a cosine
    resolution: int = 128  # px, of the pictures that are compared
    pixel_weight: float = 2.0  # of the L1 distance, against the perceptual one
    edit_weight: float = 0.7  # of the drift of the edit; without it the pet at age 1 is twice as far off
    ages: tuple[float, ...] = (1.0, 0.5, -0.3, 0.75)  # at which the edit is held, in turn
    dtype: torch.dtype | None = None  # of the synthesis; None: the device's fastest


class PivotalTuning(Search):
    """Searches the adjustments with which the picture at `ws` is `target`; the result is the last step's.

    `age_vector` [num_ws, w_dim] is the edit. Its effect on a 16 px thumbnail is kept as it was before tuning, or the
    edit would lose its effect, and colours and background would drift with age.
    """

    def __init__(
        self,
        target: Tensor,
        ws: Tensor,
        generator: Generator,
        extractor: PerceptualDistance,
        age_vector: Tensor,
        options: TuningOptions | None = None,
        seed: int = 0,
    ) -> None:
        self._options = options = options or TuningOptions()
        super().__init__(generator, extractor, options.dtype)
        self._full = min(options.resolution, generator.config.img_resolution)
        self._ws, self._age_vector = ws, age_vector
        self._photo = Target(target, extractor, self.features_dtype)
        self._edits: dict[float, Tensor] = {}  # by age: the edit's effect on a thumbnail before tuning
        random = torch.Generator(target.device).manual_seed(seed)
        self._changes = Adjustments(
            styles=_style_offsets(generator, self._full),
            weights=_low_rank_changes(generator, self._full, options.rank, random),
        )
        low = self._changes.weights.values()
        self.optimiser = torch.optim.Adam(
            [
                {"params": list(self._changes.styles.values()), "lr": options.style_rate},
                {"params": [part for one in low for part in (one.down, one.up)], "lr": options.weight_rate},
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
        return torch.float32  # so near to the photo, rounding to half precision would be much of the distance

    @property
    def _age(self) -> float:
        return self._options.ages[self.index % len(self._options.ages)]

    def _pair(self) -> Tensor:
        return torch.cat([self._ws, self._ws + self._age * self._age_vector])

    def forward_inputs(self) -> tuple[Tensor, Adjustments]:
        return self._pair(), self._changes

    def loss(self, pictures: Tensor, features: Tensor) -> Tensor:
        options = self._options
        distance = self._photo.distance(features[:1], self._full)
        self._distance = distance.detach()
        drift = F.l1_loss(_thumbnail(pictures[1:]) - _thumbnail(pictures[:1]), self._edit())
        pixels = self._photo.pixel_loss(pictures[:1], self._full)
        return distance + options.pixel_weight * pixels + options.edit_weight * drift

    def update(self) -> SearchStep:
        options = self._options
        optimiser_step(self.optimiser, ramp(self.index / options.steps, options.ramp_up, options.ramp_down))
        self.index += 1
        kept = converted(self._changes, lambda value: value.detach().clone())
        return SearchStep(self.index, options.steps, self._ws, self._distance, kept)

    @torch.no_grad()
    def _edit(self) -> Tensor:
        """The effect of the edit to this step's age on a thumbnail before tuning: [1, 3, 16, 16]."""
        if self._age not in self._edits:
            before = _thumbnail(self.generator.synthesis(self._pair(), resolution=self._full))
            self._edits[self._age] = before[1:] - before[:1]
        return self._edits[self._age]


def _thumbnail(picture: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(picture, 16)


def _style_offsets(generator: Generator, resolution: int) -> dict[str, Tensor]:
    return {
        name: torch.zeros(module.weight.shape[1], device=module.weight.device, requires_grad=True)
        for name, module in generator.convolutions(resolution)
    }


def _low_rank_changes(generator: Generator, resolution: int, rank: int, random: torch.Generator) -> dict[str, LowRank]:
    """Low-rank changes of no effect yet, ready to be optimised."""
    changes: dict[str, LowRank] = {}
    for name, module in generator.convolutions(resolution):
        outputs, inputs = module.weight.shape[:2]
        device = module.weight.device
        down = torch.randn(rank, inputs, 3, 3, generator=random, device=device) / math.sqrt(rank)
        changes[name] = LowRank(down.requires_grad_(), torch.zeros(outputs, rank, device=device, requires_grad=True))
    return changes
