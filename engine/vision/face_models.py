"""The two small networks that find faces, on frozen EfficientNet-Lite0 features.

The head detector looks at the whole photo once and finds boxes of heads (after CenterNet: Zhou et al., Objects as
Points, 2019). The landmark net looks at one enlarged head and finds its eyes, its nose and its borders: positions are
means of softmax maps (Sun et al., Integral Human Pose Regression, 2018), so they are finer than the maps' cells.
`engine.lab.recogniser.face_training` trained both; `engine.vision.face_detection` uses them.
"""

import math
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.vision.efficientnet import CHANNELS, WEIGHTS

DETECTOR_SIDE = 256  # pixels; the whole photo is fitted in
DETECTOR_STRIDE = 8  # pixels of a cell of its map
LANDMARK_SIDE = 224  # pixels; the head is fitted in
LANDMARK_STRIDE = 4  # pixels of a cell of its maps of points


class ConvolutionBlock(nn.Module):
    """Depthwise 5 × 5, then two pointwise convolutions, added to the input: [N, C, H, W] → the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.as_tensor(self.body(x))


class Fusion(nn.Module):
    """Adds deep features to finer ones, step by step.

    `widths[i]` is the number of channels at the i-th of the given features, coarsest first, `depths[i]` the number of
    blocks there; each step halves the stride.
    """

    def __init__(self, channels: tuple[int, ...], widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.sides = nn.ModuleList(nn.Conv2d(c, w, 1) for c, w in zip(channels, widths, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ConvolutionBlock(w) for _ in range(d))) for w, d in zip(widths, depths, strict=True)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Fused features, coarsest first like the input."""
        fused: list[Tensor] = []
        for index, feature in enumerate(features):
            x = self.sides[index](feature)
            if fused:
                x = x + F.interpolate(self.downs[index - 1](fused[-1]), size=x.shape[-2:], mode="nearest")
            fused.append(self.blocks[index](x))
        return fused


class HeadDetector(nn.Module):
    """Finds heads: features at strides 32, 16, 8 → a score and a box for each cell."""

    def __init__(self) -> None:
        super().__init__()
        self.fusion = Fusion((CHANNELS[4], CHANNELS[3], CHANNELS[2]), (128, 96, 64), (2, 2, 2))
        self.out = nn.Conv2d(64, 5, 1)
        start = [-4.0] + 4 * [math.log(8.0)]  # heads are rare, and some eight cells from their middle to a border
        self.out.bias = nn.Parameter(torch.tensor(start))

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Score logits [N, h, w]; distances [N, 4, h, w] ≥ 0 from the cell to left, top, right, bottom, in cells."""
        out = self.out(self.fusion(features)[-1])
        return out[:, 0], out[:, 1:].clamp(-3, 5).exp()


class LandmarkNet(nn.Module):
    """Finds the landmarks of the head in the middle: features at strides 32, 16, 8, 4 → maps and facts."""

    POINTS = 3  # left eye, right eye, nose
    FACTS = 4  # logits: it is a head, left eye visible, right eye visible, young

    def __init__(self) -> None:
        super().__init__()
        self.fusion = Fusion((CHANNELS[4], CHANNELS[3], CHANNELS[2], CHANNELS[1]), (160, 96, 64, 32), (2, 2, 2, 1))
        self.points = nn.Conv2d(32, self.POINTS, 1)
        self.borders = nn.Conv2d(64, 4, 1)
        self.facts = nn.Sequential(
            nn.Linear(160 + CHANNELS[3], 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, self.FACTS)
        )

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Point logits [N, 3, h, w] at stride 4; border logits [N, 4, w'] at stride 8; facts [N, 4].

        The borders are left, top, right, bottom, each a row of cells along its axis.
        """
        fused = self.fusion(features)
        borders = self.borders(fused[2])
        along = torch.stack([borders[:, i].mean(1 if i in (0, 2) else 2) for i in range(4)], 1)
        facts = self.facts(torch.cat([fused[0].mean((2, 3)), features[1].mean((2, 3))], 1))
        return self.points(fused[3]), along, facts


def mean_points(logits: Tensor, reach: int = 4) -> Tensor:
    """The softmax mean of each map around its peak: [N, K, h, w] → [N, K, 2], x and y in 0..1 of the map's sides."""
    n, k, h, w = logits.shape
    peak = logits.detach().flatten(2).argmax(2)
    rows, columns = torch.arange(h, device=logits.device), torch.arange(w, device=logits.device)
    near_y = (rows - (peak // w)[..., None]).abs() <= reach
    near_x = (columns - (peak % w)[..., None]).abs() <= reach
    near = near_y[..., :, None] & near_x[..., None, :]
    chance = logits.masked_fill(~near, -1e4).flatten(2).softmax(2).view(n, k, h, w)
    x = (chance.sum(2) * (columns + 0.5)).sum(2) / w
    y = (chance.sum(3) * (rows + 0.5)).sum(2) / h
    return torch.stack([x, y], 2)


def mean_borders(logits: Tensor) -> Tensor:
    """The softmax mean of each row of cells: [N, 4, w] → [N, 4], in 0..1 of the side."""
    cells = logits.shape[2]
    return (logits.softmax(2) * (torch.arange(cells, device=logits.device) + 0.5)).sum(2) / cells


@cache
def load_face_models() -> tuple[HeadDetector, LandmarkNet]:
    """Both networks with the weights that come with this package, in evaluation mode, loaded once a process."""
    detector, landmark_net = HeadDetector(), LandmarkNet()
    stored = load_file(WEIGHTS / "faces.safetensors")
    for name, network in (("finder.", detector), ("marker.", landmark_net)):
        network.load_state_dict({k.removeprefix(name): v.float() for k, v in stored.items() if k.startswith(name)})
        network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return detector, landmark_net
