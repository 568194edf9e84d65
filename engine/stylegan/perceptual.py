"""Measures how different two pictures look: features whose squared distance is the perceptual distance.

Two extractors with one interface. `Vgg16Distance` is LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep
Features as a Perceptual Metric", CVPR 2018), version 0.1 with the VGG16 backbone: what the official projector
minimises. Its backbone has to be fetched once (`throwback networks pull vgg16`). `EmbeddedDistance` has the same form
over EfficientNet-Lite0, whose weights come with the installation. Both are frozen, and differentiable to the picture.
"""

import copy
import logging
from math import sqrt
from pathlib import Path
from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.vision.efficientnet import CHANNELS, STRIDES, WEIGHTS, EfficientNetLite0

_Network = TypeVar("_Network", bound=nn.Module)

logger = logging.getLogger(__name__)

LARGEST_SIDE = 256  # px; larger pictures are shrunk to it by area, as the official projector does

# Of torchvision's vgg16().features: the last ReLU at each resolution, whose outputs LPIPS compares.
_COMPARED_LAYERS = (3, 8, 15, 22, 29)

# Shares of EfficientNet-Lite0's stages and of plain colours (mean squares, in -1..1) in the embedded distance, by
# stride. Chosen on 260 aligned faces; scaled so that two animals' faces lie about 0.6 apart, as in LPIPS.
_STAGE_WEIGHTS = {2: 0.025, 4: 0.05, 8: 0.1, 16: 0.1, 32: 0.1}
_COLOUR_WEIGHTS = {2: 0.05, 8: 0.05}


class PerceptualDistance(nn.Module):
    """A frozen network whose features compare pictures."""

    name: str

    def features(self, image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """[N, 3, H, W], RGB in -1..1, to [N, F]; the squared distance of two rows is the perceptual distance.

        The network computes in `dtype`, such as `quick_dtype` gives; the rows are float32.
        """
        raise NotImplementedError

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The perceptual distance [N] of pictures a and b, both [N, 3, H, W] in -1..1 (one of them may be [1, …])."""
        return (self.features(a) - self.features(b)).square().sum(dim=1)

    def train(self, mode: bool = True) -> "PerceptualDistance":
        """Stay in evaluation mode whatever the surrounding module does."""
        return super().train(False)


def shrink(image: Tensor) -> Tensor:
    """At most LARGEST_SIDE pixels square, by area; never enlarged."""
    if max(image.shape[2:]) <= LARGEST_SIDE:
        return image
    return F.interpolate(image, size=(LARGEST_SIDE, LARGEST_SIDE), mode="area")


def unit_rows(maps: Tensor, weight: Tensor) -> Tensor:
    """One layer's share: [N, C, H, W] of unit length over channels, times √weight [C], over √(H·W), flat [N, H·W·C]."""
    pixels = maps.permute(0, 2, 3, 1)
    length: Tensor = torch.linalg.vector_norm(pixels, dim=-1, keepdim=True) + 1e-10
    scale = (weight / (maps.shape[2] * maps.shape[3])).sqrt()
    return (pixels / length * scale).flatten(1)


class InPrecisions(nn.Module, Generic[_Network]):
    """A frozen network in float32, and in other precisions as they are asked for."""

    def __init__(self, network: _Network) -> None:
        super().__init__()
        self.exact = network
        self._others: dict[tuple[torch.dtype, torch.device], _Network] = {}  # no part of the state

    def of(self, dtype: torch.dtype) -> _Network:
        """The network with its weights in this precision, on the device where it is."""
        weight = next(self.exact.parameters())
        if weight.dtype is dtype:
            return self.exact
        kept = self._others.get((dtype, weight.device))
        if kept is None:  # other threads may ask at the same moment; theirs is as good
            with torch.inference_mode(False):
                kept = self._others[dtype, weight.device] = copy.deepcopy(self.exact).to(dtype)
        return kept


class Vgg16Distance(PerceptualDistance):
    """LPIPS 0.1 with the VGG16 backbone; equal to the `lpips` package to rounding, and to the official extractor.

    `backbone` has the convolutions' tensors by torchvision's names (`features.0.weight`, …), and `linear` the channel
    weights [C] of the five layers that are compared. Raises RuntimeError when tensors are missing or do not fit.
    """

    name = "vgg16"

    def __init__(self, backbone: dict[str, Tensor], linear: list[Tensor]) -> None:
        super().__init__()
        from torchvision.models import vgg16  # noqa: PLC0415 - takes a second, and most installations never need it

        with torch.device("meta"):  # no time or memory for weights that are replaced at once
            layers: nn.Sequential = vgg16().features[: _COMPARED_LAYERS[-1] + 1]
        layers.load_state_dict({name.removeprefix("features."): x.float() for name, x in backbone.items()}, assign=True)
        self.layers = InPrecisions(layers.to(memory_format=torch.channels_last))
        for layer, weight in enumerate(linear):
            self.register_buffer(f"linear{layer}", weight.float())
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])
        self.eval().requires_grad_(False)

    def features(self, image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        x = (((shrink(image) + 1) / 2 - self.get_buffer("mean")) / self.get_buffer("std")).to(dtype)
        rows: list[Tensor] = []
        for index, layer in enumerate(self.layers.of(dtype)):
            x = layer(x)
            if index in _COMPARED_LAYERS:
                rows.append(unit_rows(x.float(), self.get_buffer(f"linear{len(rows)}")))
        return torch.cat(rows, dim=1)


class EmbeddedDistance(PerceptualDistance):
    """The form of LPIPS over the stages of EfficientNet-Lite0, all channels of a stage counting the same.

    The colours themselves, at two sizes, add a small share: the stages hardly see an even tint.
    """

    name = "efficientnet-lite0"

    def __init__(self) -> None:
        super().__init__()
        # An instance of its own: the shared one must stay on the device on which others expect it.
        self.network = InPrecisions(EfficientNetLite0())
        for stride, channels in zip(STRIDES, CHANNELS, strict=True):
            self.register_buffer(f"weight{stride}", torch.full((channels,), _STAGE_WEIGHTS[stride]))
        self.eval().requires_grad_(False)

    def features(self, image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        image = shrink(image)
        maps = self.network.of(dtype).features(image.to(dtype))
        rows = [
            unit_rows(stage.float(), self.get_buffer(f"weight{stride}"))
            for stride, stage in zip(STRIDES, maps, strict=True)
        ]
        for stride, weight in _COLOUR_WEIGHTS.items():
            colours = F.avg_pool2d(image, stride)
            rows.append(colours.flatten(1) * sqrt(weight / colours[0].numel()))
        return torch.cat(rows, dim=1)


def vgg16_file(home: Path) -> Path:
    """Where the data folder `home` keeps the converted backbone."""
    return home / "perceptual" / "vgg16.safetensors"


def load_extractor(home: Path, device: torch.device | str = "cpu") -> PerceptualDistance:
    """The best extractor in the data folder `home`. Never fetches anything."""
    file = vgg16_file(home)
    if file.exists():
        try:
            return Vgg16Distance(load_file(file), lpips_weights()).to(device)
        except (OSError, SafetensorError, KeyError, RuntimeError):
            logger.warning("%s is damaged; the embedded perceptual distance is used", file.name)
    return EmbeddedDistance().to(device)


def lpips_weights() -> list[Tensor]:
    """The channel weights [C] of the five layers that LPIPS 0.1 compares, from engine/weights (BSD-2-Clause)."""
    stored = load_file(WEIGHTS / "lpips.safetensors")
    return [stored[f"layer{layer}"] for layer in range(len(_COMPARED_LAYERS))]
