"""The blue eyes of kittens.

A kitten's eyes are blue until the age of six to eight weeks and have their own colour by twelve to sixteen. Where a
photo shows the irises is not marked, but they differ in colour from the coat around: pixels are told apart as two
normal distributions, fitted by expectation and maximisation (Dempster, Laird and Rubin 1977), with the places of the
eyes as what is known before. Where the two hardly differ, as with closed eyes, nothing is changed.

Puppies' eyes are left as they are: dark ones hardly change, and lids and irises look alike in them. So are those in
photos of one tone, grey or sepia.
"""

import torch
from torch import Tensor

from engine.growth.landmarks import face_plane
from engine.images.filters import gaussian_blur, smoothstep

_SETTLED = 0.5  # age from which on, towards youth, the eyes are not yet of their own colour
_YOUNG = 0.88  # share of blue at eight weeks, when the change has just begun
_BLUE = (0.37, -0.2)  # Cb and Cr, -1..1, of a light iris then: slate blue
_DARKER = 0.7  # exponent by which that fades as irises are darker
_BLUE_ALREADY = 0.05  # Cb, from where on an iris stays as it is

_IRIS = 0.17  # of the distance between the eyes, radius
_AROUND = 0.45  # of it, radius of the coat that is looked at
_PUPIL = 0.12  # luma 0..1, below which it tells nothing of an iris' colour
_ROUNDS = 8  # of expectation and maximisation
_NOISE = 0.02  # of 0..1, standard deviation of luma and chroma within the same thing, at least
SEPARATION = 0.4  # Bhattacharyya distance, from where on iris and coat are told apart
_GREY = 0.02  # length of chroma, below which it is a pupil or a gleam
_TONED = 0.016, 0.021  # RMS of chroma that luma does not tell: up to here a photo is of one tone, from there in colours
_EDGE = 0.003  # of the picture's side, σ by which what is found becomes soft


def blueness(age: float) -> float:
    """The share of a young eye's colour at an age: 0 today, rising to that of eight weeks."""
    share = min(max((age - _SETTLED) / (1 - _SETTLED), 0.0), 1.0)
    return _YOUNG * smoothstep(share)


def blue_shift(face: Tensor, eyes: Tensor) -> Tensor:
    """What makes a cat's irises blue: [1, 2, M, M], to be added to chroma.

    `face` [1, 3, M, M] is aligned, in luma and chroma (`engine.images.ycbcr.rgb_to_ycbcr`); `eyes` [K, 2], K =
    0 to 2, are those that can be seen, on the face plane (`engine.growth.warp`); without any there is nothing to be
    added.
    """
    luma, chroma = (face[:, :1] + 1) / 2, face[:, 1:]
    if not len(eyes):
        return torch.zeros_like(chroma)
    blue = chroma.new_tensor(_BLUE)[:, None, None] * luma.clamp(min=0) ** _DARKER
    strength = chroma.square().sum(dim=1, keepdim=True).sqrt()
    which = iris_mask(face, eyes) * strength / (strength + _GREY) * torch.sigmoid((_BLUE_ALREADY - chroma[:, :1]) * 60)
    return which * _in_colours(luma, chroma) * (blue - chroma)


def _in_colours(luma: Tensor, chroma: Tensor) -> Tensor:
    """Whether a photo is in colours, 0..1: in one of a single tone, luma tells chroma, as a polynomial says here."""
    powers = luma.flatten()[:, None] ** torch.arange(4, device=luma.device)
    colours = chroma[0].flatten(1).T
    product = powers.T @ powers + 1e-3 * torch.eye(4, device=luma.device)
    off = colours - powers @ (_inverse(product) @ (powers.T @ colours))
    toned, coloured = _TONED
    share: Tensor = ((off.square().sum(dim=1).mean().sqrt() - toned) / (coloured - toned)).clamp(0, 1)
    return share


def iris_mask(face: Tensor, eyes: Tensor) -> Tensor:
    """How surely each pixel belongs to an iris or its pupil: [1, 1, M, M] of 0..1; arguments as in `blue_shift`,
    but with an eye at least."""
    side = face.shape[-1]
    found = torch.zeros_like(face[:, :1])
    distance = (face_plane(side, face.device)[:, :, None] - eyes).norm(dim=-1).amin(dim=-1)
    near = distance < _AROUND
    seen, distance = face[0, :, near].T, distance[near]  # [P, 3], [P]
    seen = torch.cat([(seen[:, :1] + 1) / 2, seen[:, 1:]], dim=1)
    before = 0.9 * torch.exp(-((distance / _IRIS) ** 6)) + 1e-4
    bright, close, beyond = seen[:, 0] > _PUPIL, distance < 1.3 * _IRIS, distance > 1.2 * _IRIS
    iris, coat_mask = _Gaussian(seen, bright & (distance < 0.8 * _IRIS)), _Gaussian(seen, distance > 1.5 * _IRIS)
    for _ in range(_ROUNDS):
        sure = torch.sigmoid(iris.log_density(seen) - coat_mask.log_density(seen) + torch.logit(before))
        iris, coat_mask = _Gaussian(seen, sure * (bright & close)), _Gaussian(seen, (1 - sure) * beyond)
    apart = 1 - torch.exp(-((iris.distance(coat_mask) / SEPARATION) ** 2))
    found[0, 0, near] = sure * apart * torch.exp(-((distance / (1.5 * _IRIS)) ** 8))
    return gaussian_blur(found, _EDGE * side)


class _Gaussian:
    """A normal distribution of three numbers, fitted to values [P, 3] that count as `weights` [P] say."""

    def __init__(self, values: Tensor, weights: Tensor) -> None:
        weights = weights.to(values) + 1e-6
        weights = weights[:, None] / weights.sum()
        self.mean = (weights * values).sum(dim=0)
        off = values - self.mean
        self.covariance = (weights * off).T @ off + _NOISE**2 * torch.eye(3, device=values.device)

    def log_density(self, values: Tensor) -> Tensor:
        """[P], but for a constant."""
        off = values - self.mean
        squared: Tensor = ((off @ _inverse(self.covariance)) * off).sum(dim=1)
        return -0.5 * (squared + torch.logdet(self.covariance))

    def distance(self, other: "_Gaussian") -> Tensor:
        """After Bhattacharyya 1943: 0 for the same distribution."""
        between, off = (self.covariance + other.covariance) / 2, self.mean - other.mean
        spread = torch.logdet(between) - (torch.logdet(self.covariance) + torch.logdet(other.covariance)) / 2
        apart: Tensor = off @ _inverse(between) @ off / 8 + spread / 2
        return apart


def _inverse(matrix: Tensor) -> Tensor:
    inverse: Tensor = torch.linalg.inv_ex(matrix)[0]  # unlike `inv`, a GPU need not say first that there is one
    return inverse
