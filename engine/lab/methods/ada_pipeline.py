"""Adaptive discriminator augmentation (Karras et al. 2020b, "Training GANs with Limited Data", appendix B).

Every picture that the discriminator sees, real or made, goes through the same random transforms, each with probability
p. As long as p stays below about 0.8 the generator cannot get away with augmented-looking pictures: the transforms
leave a picture as it is more often than they turn it into any other, so that only the true distribution looks right
after them. p follows r_t = E[sign(D(real))], which rises when the discriminator remembers the training set.

Here are the pipeline's geometric and colour transforms; the paper's filters and noise gain nothing there (figure 4).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TARGET = 0.6  # of r_t
ADJUSTED_EVERY = 4  # minibatches
SAFE_P = 0.8  # beyond it, augmentations begin to leak into what is made (figure 3)

_TRANSLATION = 0.125  # of the picture's side: the largest whole-pixel shift, and the σ of the fractional one
_SCALE_SIGMA = 0.2 * math.log(2)
_BRIGHTNESS_SIGMA = 0.2
_CONTRAST_SIGMA = 0.5 * math.log(2)
_SATURATION_SIGMA = math.log(2)
_SUPERSAMPLING = 2  # pictures are turned at twice their size, or edges would show it


class AdaptiveAugmentation:
    """The pipeline with its probability p, and the heuristic that adjusts it.

    `pictures_to_full` is how many real pictures it takes to go from p = 0 to 1; the paper has 500,000.
    """

    def __init__(self, pictures_to_full: float, p: float = 0.0) -> None:
        self.p = p
        self._pictures_to_full = pictures_to_full
        self._signs: list[Tensor] = []

    def __call__(self, pictures: Tensor) -> Tensor:
        """Augment pictures [N, 3, R, R]; gradients pass through."""
        return augmented(pictures, self.p) if self.p else pictures

    def observe(self, real_logits: Tensor) -> float | None:
        """Note D(real) of a minibatch [N]; every few of them, move p towards r_t = TARGET and return r_t."""
        self._signs.append(real_logits.detach().sign())
        if len(self._signs) < ADJUSTED_EVERY:
            return None
        signs = torch.cat(self._signs)
        self._signs.clear()
        r_t = float(signs.mean())
        self.p = min(1.0, max(0.0, self.p + math.copysign(len(signs) / self._pictures_to_full, r_t - TARGET)))
        return r_t


def augmented(pictures: Tensor, p: float, random: torch.Generator | None = None) -> Tensor:
    """All transforms, each with probability p and independently for each picture [N, 3, R, R]."""
    count, device = len(pictures), pictures.device
    places = geometric_transforms(count, p, pictures.shape[-1], random).to(device)
    colours = colour_transforms(count, p, random).to(device)
    return coloured(moved(pictures, places), colours)


def geometric_transforms(count: int, p: float, side: int, random: torch.Generator | None = None) -> Tensor:
    """[N, 3, 3]: flips, quarter turns and whole-pixel shifts, then scales, turns and fractional shifts (table 1)."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=random)

    def normal(sigma: float) -> Tensor:
        return sigma * torch.randn(count, generator=random)

    def sometimes(matrices: Tensor, probability: float = p) -> Tensor:
        chosen = torch.rand(count, generator=random) < probability
        return torch.where(chosen[:, None, None], matrices, torch.eye(3))

    ones = torch.ones(count)
    flip = sometimes(scaling(1 - 2 * torch.randint(2, (count,), generator=random).float(), ones))
    quarter = sometimes(rotation(torch.randint(4, (count,), generator=random) * (math.pi / 2)))
    pixels = [(uniform(-_TRANSLATION, _TRANSLATION) * side).round() / side for _ in range(2)]
    shift = sometimes(translation(*pixels))
    size = normal(_SCALE_SIGMA).exp()
    scale = sometimes(scaling(size, size))
    # Two turns, before and after the anisotropic scale, together happen with probability p.
    p_turn = 1 - math.sqrt(1 - p)
    before, after = (sometimes(rotation(uniform(-math.pi, math.pi)), p_turn) for _ in range(2))
    ratio = normal(_SCALE_SIGMA).exp()
    stretch = sometimes(scaling(ratio, 1 / ratio))
    drift = sometimes(translation(normal(_TRANSLATION), normal(_TRANSLATION)))
    return drift @ after @ stretch @ before @ scale @ shift @ quarter @ flip


def colour_transforms(count: int, p: float, random: torch.Generator | None = None) -> Tensor:
    """[N, 4, 4] on (r, g, b, 1): brightness, contrast, luma flip, hue, saturation (table 1)."""

    def normal(sigma: float) -> Tensor:
        return sigma * torch.randn(count, generator=random)

    def sometimes(matrices: Tensor) -> Tensor:
        chosen = torch.rand(count, generator=random) < p
        return torch.where(chosen[:, None, None], matrices, torch.eye(4))

    bright = sometimes(brightness(normal(_BRIGHTNESS_SIGMA)))
    contrasted = sometimes(contrast(normal(_CONTRAST_SIGMA).exp()))
    flipped = sometimes(luma_flip(torch.randint(2, (count,), generator=random).float()))
    turned = sometimes(hue(math.pi * (2 * torch.rand(count, generator=random) - 1)))
    saturated = sometimes(saturation(normal(_SATURATION_SIGMA).exp()))
    return saturated @ turned @ flipped @ contrasted @ bright


def moved(pictures: Tensor, transforms: Tensor) -> Tensor:
    """Pictures [N, C, R, R] through transforms [N, 3, 3] of the plane (-1..1, y down); mirrored at their borders."""
    large = F.interpolate(pictures, scale_factor=_SUPERSAMPLING, mode="bilinear", align_corners=False)
    inverse = torch.linalg.inv(transforms.float())[:, :2].to(pictures)
    grid = F.affine_grid(inverse, list(large.shape), align_corners=False)
    turned = F.grid_sample(large, grid, padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(turned, _SUPERSAMPLING)


def coloured(pictures: Tensor, transforms: Tensor) -> Tensor:
    """Pictures [N, 3, R, R] through transforms [N, 4, 4] of colours."""
    mixed = torch.einsum("nij,njhw->nihw", transforms[:, :3, :3].to(pictures), pictures)
    return mixed + transforms[:, :3, 3, None, None].to(pictures)


def _matrices(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Shift by x and y [N], shares of the picture's side: [N, 3, 3]."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrices([[one, zero, 2 * x], [zero, one, 2 * y], [zero, zero, one]])


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Magnify by x and y [N]: [N, 3, 3]."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrices([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def rotation(angle: Tensor) -> Tensor:
    """Turn by angles [N]: [N, 3, 3]."""
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return _matrices([[angle.cos(), -angle.sin(), zero], [angle.sin(), angle.cos(), zero], [zero, zero, one]])


def brightness(shift: Tensor) -> Tensor:
    """Add to every colour: [N, 4, 4]."""
    matrices = torch.eye(4).repeat(len(shift), 1, 1)
    matrices[:, :3, 3] = shift[:, None]
    return matrices


def contrast(factor: Tensor) -> Tensor:
    """Multiply every colour: [N, 4, 4]."""
    matrices = torch.eye(4).repeat(len(factor), 1, 1)
    matrices[:, :3, :3] *= factor[:, None, None]
    return matrices


_LUMA = torch.tensor([1.0, 1.0, 1.0, 0.0]) / math.sqrt(3)


def luma_flip(chosen: Tensor) -> Tensor:
    """Mirror colours at the plane across the grey axis where `chosen` [N] is 1 (Householder): [N, 4, 4]."""
    return torch.eye(4) - 2 * torch.outer(_LUMA, _LUMA) * chosen[:, None, None]


def hue(angle: Tensor) -> Tensor:
    """Turn colours around the grey axis: [N, 4, 4]."""
    x, y, z, _ = _LUMA.tolist()
    cross = torch.tensor([[0.0, -z, y, 0.0], [z, 0.0, -x, 0.0], [-y, x, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    colours = torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.0]))
    along = torch.outer(_LUMA, _LUMA)
    angle = angle[:, None, None]
    turned = along + angle.cos() * (colours - along) + angle.sin() * cross  # Rodrigues' formula
    return turned + torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0]))


def saturation(factor: Tensor) -> Tensor:
    """Magnify what of a colour is not grey: [N, 4, 4]."""
    along = torch.outer(_LUMA, _LUMA)
    constant = torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0]))
    return along + constant + (torch.eye(4) - along - constant) * factor[:, None, None]
