"""A reader of age: does a face look young? Learned from hand labels, and asked whether results look younger.

A linear model on pooled features of EfficientNet-Lite0. Young animals are photographed more often in soft light before
plain walls, so it sees the head alone and learns on pictures in all lights, sharp, soft and grainy: what is left to go
by is the animal.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.growth.landmarks import face_plane
from engine.lab.storybook.batches import reframed, relit
from engine.lab.storybook.face_dataset import FaceDataset
from engine.vision.efficientnet import CHANNELS, POOLED, STRIDES, load_efficientnet

SIDE = 256  # px, of the aligned pictures it reads
FILE = "age-classifier.safetensors"

_HEAD = slice(24, 216), slice(32, 224)  # rows and columns
_RADIUS = 1.75  # units of the face plane, around a point just below the eyes
_POOLED_STRIDES = (4, 8, 16)
_WIDTH = POOLED + 2 * sum(CHANNELS[STRIDES.index(stride)] for stride in _POOLED_STRIDES)
_BATCH = 16
_DECAY = 0.03
_ROUNDS = 200


class AgeClassifier(nn.Module):
    """Log odds [N] that faces look young, of aligned pictures [N, 3, R, R] in -1..1, R ≥ 256. Differentiable."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(_WIDTH))
        self.register_buffer("scale", torch.ones(_WIDTH))
        self.register_buffer("weight", torch.zeros(_WIDTH))
        self.register_buffer("bias", torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.read(seen(pictures))

    def read(self, found: Tensor) -> Tensor:
        """The same of what was `seen` [..., F]."""
        odds: Tensor = (found - self.mean) * self.scale @ self.weight + self.bias
        return odds

    @torch.no_grad()
    def both_ways(self, pictures: Tensor) -> Tensor:
        """The mean over the pictures and their mirror images."""
        odds: Tensor = (self(pictures) + self(pictures.flip(-1))) / 2
        return odds

    def save(self, folder: Path) -> None:
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, folder / FILE)


def load_classifier(folder: Path) -> AgeClassifier:
    """The reader kept in a folder."""
    classifier = AgeClassifier()
    classifier.load_state_dict(load_file(folder / FILE))
    return classifier.requires_grad_(False)


def seen(pictures: Tensor) -> Tensor:
    """[N, F]: what the head looks like, in means and in deviations of features."""
    if pictures.shape[-1] != SIDE:
        pictures = F.interpolate(pictures, SIDE, mode="area")
    x, y = face_plane(SIDE, pictures.device)[_HEAD].unbind(dim=-1)
    head = torch.sigmoid(5 * (_RADIUS - torch.hypot(x, y - 0.1)))
    net = load_efficientnet(str(pictures.device))
    maps = net.features(pictures[..., _HEAD[0], _HEAD[1]] * head)
    middle = [maps[STRIDES.index(stride)] for stride in _POOLED_STRIDES]
    return torch.cat(
        [net.pooled(maps[-1]), *(part.mean((2, 3)) for part in middle), *(part.std((2, 3)) for part in middle)], dim=1
    )


def varied(faces: Tensor, random: torch.Generator) -> Tensor:
    """The faces in other lights and frames, some softer, some sharper, some grainy, half of them mirrored."""
    count = len(faces)
    mirrored = torch.rand(count, generator=random) < 0.5
    faces = torch.where(mirrored[:, None, None, None].to(faces.device), faces.flip(-1), faces)
    (faces,) = reframed((relit(faces, random, 2.0),), random, 4.0)
    soft = F.avg_pool2d(F.pad(faces, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    amount = torch.rand(count, 1, 1, 1, generator=random).mul(1.8).sub(0.9).to(faces)  # below 0 sharper
    grain = torch.randn(faces.shape, generator=random).to(faces)
    strength = (torch.rand(count, 1, 1, 1, generator=random) - 0.6).clamp(min=0).mul(0.15).to(faces)
    return (torch.lerp(faces, soft, amount) + strength * grain).clamp(-1, 1)


@torch.no_grad()
def fitted(book: FaceDataset, labelled: Tensor, random: torch.Generator, views: int = 12) -> AgeClassifier:
    """A reader learned from the faces of the book that `labelled` [N] (bool) names, each in several `views`.

    The faces are of `SIDE` px, and some of either age are among them.
    """
    young = book.ages[labelled] > 0.5
    found = torch.stack([_seen_all(book, labelled, random) for _ in range(views)])
    classifier = AgeClassifier()
    classifier.mean.copy_(found.flatten(0, 1).mean(dim=0))
    classifier.scale.copy_(1 / (found.flatten(0, 1).std(dim=0) + 1e-3))
    ready = (found - classifier.mean) * classifier.scale
    classifier.weight, classifier.bias = _regressed(ready, young.float().expand(views, -1))
    return classifier


def _seen_all(book: FaceDataset, which: Tensor, random: torch.Generator) -> Tensor:
    return torch.cat([seen(varied(faces, random)) for faces in faces_of(book, which)])


def faces_of(book: FaceDataset, which: Tensor) -> Iterator[Tensor]:
    """The faces [N, 3, R, R] in -1..1 that `which` (bool) names, in batches."""
    for faces in torch.split(book.faces[which], _BATCH):
        yield faces.float() / 127.5 - 1


@torch.enable_grad()
def _regressed(found: Tensor, young: Tensor) -> tuple[Tensor, Tensor]:
    """Logistic regression with a ridge, both ages counting alike."""
    weight, bias = torch.zeros(_WIDTH, requires_grad=True), torch.zeros((), requires_grad=True)
    rarer = (young < 0.5).sum() / young.sum()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.binary_cross_entropy_with_logits(found @ weight + bias, young, pos_weight=rarer)
        value = value + _DECAY * weight.square().sum()
        torch.autograd.backward(value)
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def area_under_curve(scores: Tensor, young: Tensor) -> float:
    """How often a young face scores higher than an adult one: 1 is perfect, 0.5 is guessing."""
    return float((scores[young][:, None] > scores[~young][None]).float().mean())
