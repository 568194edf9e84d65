"""Trains the head detector and the landmark net on photos annotated by hand.

Each of the two networks trains in a process of its own on one core. EfficientNet-Lite0 stays frozen, and its forward
pass is what takes the time; so the features of every new picture go into a pool from which several batches are drawn
before the next pictures come.
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import Protocol, TypeVar

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from engine.lab.annotations import AnnotatedPhoto
from engine.lab.recogniser.augmentation import TrainingPicture, detector_picture, landmark_picture
from engine.vision.efficientnet import load_efficientnet
from engine.vision.face_detection import to_tensor
from engine.vision.face_models import (
    DETECTOR_SIDE,
    DETECTOR_STRIDE,
    LANDMARK_SIDE,
    HeadDetector,
    LandmarkNet,
    mean_borders,
    mean_points,
)
from engine.vision.geometry import centre, head_size

log = logging.getLogger(__name__)

Targets = dict[str, Tensor]
_Face = TypeVar("_Face")


class _Picture(Protocol):
    @property
    def picture(self) -> Image.Image: ...


_Drawn = TypeVar("_Drawn", bound=_Picture)


@dataclass(frozen=True, slots=True)
class FaceTrainingOptions:
    """How each of the two networks is trained."""

    detector_pictures: int = 3_600
    landmark_pictures: int = 5_600
    new: int = 16  # pictures that go into the pool before the rounds
    rounds: int = 2  # batches drawn from the pool after that; more learns longer from the same pictures
    batch: int = 20  # pictures
    pool: int = 3_000  # pictures whose features are kept
    learning_rate: float = 2e-3  # of AdamW; in the last third of the steps it falls to nothing
    decay: float = 0.02  # of the weights
    average: float = 0.995  # of the weights, exponential; the average is what is saved
    seed: int = 3


def train_head_detector(photos: list[AnnotatedPhoto], options: FaceTrainingOptions) -> dict[str, Tensor]:
    """Train the head detector; return its weights in float16."""
    samples = feature_samples(detector_picture, detector_targets, photos, options.detector_pictures, 3, options)
    return train_network(HeadDetector(), detector_loss, samples, options.detector_pictures, options)


def train_landmark_net(photos: list[AnnotatedPhoto], options: FaceTrainingOptions) -> dict[str, Tensor]:
    """Train the landmark net; return its weights in float16."""
    samples = feature_samples(landmark_picture, landmark_targets, photos, options.landmark_pictures, 4, options)
    return train_network(LandmarkNet(), landmark_loss, samples, options.landmark_pictures, options)


def detector_targets(drawn: TrainingPicture) -> Targets:
    """Heat [h, w], one at each head's middle; distances [4, h, w] to its borders in cells, and their weight [h, w]."""
    cells = DETECTOR_SIDE // DETECTOR_STRIDE
    heat, owned = torch.zeros(cells, cells), torch.zeros(cells, cells)
    distances = torch.ones(4, cells, cells)
    grid = torch.arange(cells) + 0.5
    for head in sorted(drawn.heads, key=head_size, reverse=True):  # a small one before a large one owns its cells
        x, y = (v / DETECTOR_STRIDE for v in centre(head))
        x0, y0, x1, y1 = (v / DETECTOR_STRIDE for v in head.box)
        spread = max(0.8, 0.09 * head_size(head) / DETECTOR_STRIDE)
        gaussian = torch.exp(-(((grid - x) ** 2)[None, :] + ((grid - y) ** 2)[:, None]) / (2 * spread**2))
        gaussian[min(cells - 1, int(y)), min(cells - 1, int(x))] = 1.0
        heat = torch.maximum(heat, gaussian)
        mine = gaussian > 0.3
        owned[mine] = gaussian[mine]
        sides = (grid[None, :] - x0, grid[:, None] - y0, x1 - grid[None, :], y1 - grid[:, None])
        for index, side in enumerate(sides):
            distances[index][mine] = side.expand(cells, cells)[mine].clamp(min=0.1)
    return {"heat": heat, "distances": distances, "owned": owned}


def detector_loss(detector: nn.Module, features: list[Tensor], wanted: Targets) -> Tensor:
    """CenterNet's focal loss for the heat; 1 − IoU plus the logarithms' L1 for the boxes."""
    scores, distances = detector(features)
    heat, owned = wanted["heat"], wanted["owned"]
    chance = torch.sigmoid(scores).clamp(1e-5, 1 - 1e-5)
    hit = heat == 1
    focal = torch.where(hit, (1 - chance) ** 2 * chance.log(), (1 - heat) ** 4 * chance**2 * (1 - chance).log())
    heads = hit.sum().clamp(min=1)
    truth = wanted["distances"]
    both = torch.minimum(distances, truth)
    inside = (both[:, 0] + both[:, 2]) * (both[:, 1] + both[:, 3])
    area = (distances[:, 0] + distances[:, 2]) * (distances[:, 1] + distances[:, 3])
    area_truth = (truth[:, 0] + truth[:, 2]) * (truth[:, 1] + truth[:, 3])
    iou = inside / (area + area_truth - inside)
    off = (distances.log() - truth.log()).abs().mean(1)
    boxes = ((1 - iou + 0.3 * off) * owned).sum() / owned.sum().clamp(min=1)
    return torch.as_tensor(2 * boxes - focal.sum() / heads)


def landmark_targets(drawn: TrainingPicture) -> Targets:
    """Points [3, 2] and borders [4] in 0..1 of the side, their presence, size, facts [4] and which facts are known."""
    head = drawn.heads[0] if drawn.heads else None
    points = [head.left_eye, head.right_eye, head.nose] if head else [None] * 3
    seen = torch.tensor([float(point is not None) for point in points])
    young = drawn.young if head else None
    return {
        "points": torch.tensor([point or (0.0, 0.0) for point in points]) / LANDMARK_SIDE,
        "seen": seen,
        "borders": torch.tensor(head.box if head else (0.0,) * 4).clamp(0, LANDMARK_SIDE) / LANDMARK_SIDE,
        "size": torch.tensor(head_size(head) / LANDMARK_SIDE if head else 1.0),
        "head": torch.tensor(float(head is not None)),
        "facts": torch.tensor([float(head is not None), float(seen[0]), float(seen[1]), float(young or 0)]),
        "known": torch.tensor([1.0, float(head is not None), float(head is not None), float(young is not None)]),
    }


def landmark_loss(landmark_net: nn.Module, features: list[Tensor], wanted: Targets) -> Tensor:
    """Cross entropy to Gaussians around the truth, plus the means' distance from it over the head's size; facts."""
    maps, borders, facts = landmark_net(features)
    size, is_head = wanted["size"][:, None], wanted["head"][:, None]
    seen = wanted["seen"]
    entropy = map_entropy(maps, wanted["points"])
    miss = F.smooth_l1_loss(
        mean_points(maps) / size[..., None], wanted["points"] / size[..., None], beta=0.02, reduction="none"
    ).sum(2)
    points = ((entropy + 20 * miss) * seen).sum() / seen.sum().clamp(min=1)
    rows = gaussians(wanted["borders"], borders.shape[2], 0.8)
    row_entropy = -(rows * borders.log_softmax(2)).sum(2)
    row_miss = (mean_borders(borders) - wanted["borders"]).abs() / size
    frame = ((0.3 * row_entropy + 10 * row_miss) * is_head).sum() / is_head.sum().clamp(min=1)
    known = wanted["known"]
    doubts = F.binary_cross_entropy_with_logits(facts, wanted["facts"], reduction="none")
    return torch.as_tensor(points + 0.5 * frame + (doubts * known).sum() / known.sum())


def map_entropy(maps: Tensor, points: Tensor) -> Tensor:
    """Cross entropy [N, K] of maps [N, K, S, S] to Gaussians around points [N, K, 2] in 0..1."""
    x, y = (gaussians(at, maps.shape[-1], 1.0) for at in points.unbind(-1))
    wanted = (y[..., :, None] * x[..., None, :]).flatten(2)
    return -(wanted * maps.flatten(2).log_softmax(2)).sum(2)


def gaussians(positions: Tensor, cells: int, spread: float) -> Tensor:
    """Gaussians of this spread (cells) around positions in 0..1: [...] → [..., cells], each summing to one."""
    grid = torch.arange(cells) + 0.5
    return (-((grid - positions[..., None] * cells) ** 2) / (2 * spread**2)).softmax(-1)


def feature_samples(
    draw: Callable[[list[_Face], Random], _Drawn],
    targets: Callable[[_Drawn], Targets],
    photos: list[_Face],
    pictures: int,
    levels: int,
    options: FaceTrainingOptions,
) -> Iterator[tuple[list[Tensor], Targets]]:
    """Make new pictures, `options.new` at a time: their features, coarsest first, float16, and their targets."""
    random = Random(options.seed)
    backbone = load_efficientnet()
    for _ in range(pictures // options.new):
        drawn = [draw(photos, random) for _ in range(options.new)]
        with torch.no_grad():
            features = backbone.features(to_tensor([one.picture for one in drawn]))[::-1][:levels]
        each = [targets(one) for one in drawn]
        yield [f.half() for f in features], {key: torch.stack([one[key] for one in each]) for key in each[0]}


def train_network(
    network: nn.Module,
    loss_of: Callable[[nn.Module, list[Tensor], Targets], Tensor],
    samples: Iterator[tuple[list[Tensor], Targets]],
    pictures: int,
    options: FaceTrainingOptions,
) -> dict[str, Tensor]:
    """Train on pools of features; return the averaged weights in float16."""
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    random = Random(options.seed)
    name = type(network).__name__.lower()
    network = network.to(memory_format=torch.channels_last).train()
    average = deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.decay)
    steps = pictures // options.new * options.rounds
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, step / 100, 3 * (1 - step / steps) + 0.01)
    )
    pool: list[tuple[list[Tensor], Targets]] = []
    begun, losses = time.monotonic(), []
    for turn, (features, targets) in enumerate(samples):
        for index in range(options.new):
            one = [f[index].clone() for f in features], {key: value[index] for key, value in targets.items()}
            if len(pool) < options.pool:
                pool.append(one)
            else:
                pool[random.randrange(options.pool)] = one
        for _ in range(options.rounds):
            drawn = random.sample(pool, min(options.batch, len(pool)))
            levels = [torch.stack(level).float() for level in zip(*(f for f, _ in drawn), strict=True)]
            loss = loss_of(
                network,
                [level.contiguous(memory_format=torch.channels_last) for level in levels],
                {key: torch.stack([t[key] for _, t in drawn]) for key in drawn[0][1]},
            )
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            _update_average(average, network, min(options.average, turn / (turn + 10)))
        if turn % 25 == 24:
            recent = sum(losses[-50:]) / len(losses[-50:])
            log.info(
                "%s %d pictures, loss %.3f, %.0f s", name, (turn + 1) * options.new, recent, time.monotonic() - begun
            )
    return {key: value.half() if value.is_floating_point() else value for key, value in average.state_dict().items()}


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, keep: float) -> None:
    for mean, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(new, 1 - keep)
        else:
            mean.copy_(new)


def train_faces(photos: list[AnnotatedPhoto], options: FaceTrainingOptions) -> dict[str, Tensor]:
    """Train both networks at the same time; return their weights as `engine.vision.face_models` reads them."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_log_to_stderr) as processes:
        detector = processes.submit(train_head_detector, photos, options)
        landmark_net = processes.submit(train_landmark_net, photos, options)
        weights = {f"finder.{key}": value for key, value in detector.result().items()}
        return weights | {f"marker.{key}": value for key, value in landmark_net.result().items()}


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
