"""The networks that several of the papers have in common."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def initialised(module: nn.Module) -> nn.Module:
    """Weights of a normal distribution of width 0.02, as DCGAN and all that followed it begin."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, 0.0, 0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return module.to(memory_format=torch.channels_last)


def with_labels(pictures: Tensor, labels: Tensor) -> Tensor:
    """Pictures [N, C, H, W] with labels [N, L] as L more channels, constant over the picture."""
    maps = labels[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
    return torch.cat([pictures, maps.to(pictures)], dim=1)


def downsampling(
    inputs: int, width: int, resolution: int, *, widest: int = 8, normalised: bool = True, slope: float = 0.2
) -> tuple[nn.Sequential, int]:
    """Strided convolutions from R to 4 pixels, each with twice the channels, and how many channels come out."""
    layers: list[nn.Module] = []
    outputs, largest = width, widest * width
    for _ in range(int(math.log2(resolution)) - 2):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalised)]
        layers += [nn.BatchNorm2d(outputs)] if normalised else []
        layers += [nn.LeakyReLU(slope, inplace=True)]
        inputs, outputs = outputs, min(2 * outputs, largest)
    return nn.Sequential(*layers), inputs


class DcganGenerator(nn.Module):
    """Transposed convolutions from a vector to a picture (Radford et al. 2016, "DCGAN")."""

    def __init__(self, inputs: int, width: int, resolution: int) -> None:
        super().__init__()
        channels = [min(width * resolution // 8, 16 * width)]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(inputs, channels[0], 4),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        ]
        side = 4
        while side < resolution // 2:
            channels.append(max(channels[-1] // 2, width))
            layers += [
                nn.ConvTranspose2d(channels[-2], channels[-1], 4, 2, 1),
                nn.BatchNorm2d(channels[-1]),
                nn.ReLU(inplace=True),
            ]
            side *= 2
        self.layers = initialised(nn.Sequential(*layers, nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1), nn.Tanh()))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """z [N, Z] and a condition [N, L] to pictures [N, 3, R, R]."""
        inputs = z if condition is None else torch.cat([z, condition.to(z)], dim=1)
        pictures: Tensor = self.layers(inputs[:, :, None, None])
        return pictures.float()


class DcganDiscriminator(nn.Module):
    """Strided convolutions from a picture to a logit (Radford et al. 2016); labels come in after the first of them.

    The paper normalises batches here too. A small batch of real pictures and one of made ones then differ in their own
    means and deviations, by which they are told apart at once, and the generator learns little.
    """

    def __init__(self, width: int, resolution: int, labels: int = 0) -> None:
        super().__init__()
        self.first = initialised(nn.Sequential(nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)))
        body, channels = downsampling(width + labels, 2 * width, resolution // 2, widest=4, normalised=False)
        self.rest = initialised(nn.Sequential(*body, nn.Conv2d(channels, 1, 4)))

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits [N] that the pictures are real."""
        x = self.first(pictures)
        logits: Tensor = self.rest(x if labels is None else with_labels(x, labels))
        return logits.flatten().float()


class _Residual(nn.Module):
    """x plus two convolutions of it (He et al. 2016), with instance normalisation (Ulyanov et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        halves: list[nn.Module] = []
        for after in (nn.ReLU(inplace=True), nn.Identity()):
            convolution = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            halves += [convolution, nn.InstanceNorm2d(channels, affine=True), after]
        self.layers = nn.Sequential(*halves)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y


class ResnetGenerator(nn.Module):
    """Picture to picture: down to a quarter, residual blocks, and up again (Johnson et al. 2016; Zhu et al. 2017).

    The papers begin and end with a layer at full size; at 64 px that layer takes most of the time and adds little.
    """

    def __init__(self, width: int, blocks: int = 4, labels: int = 0, *, last: nn.Module | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []

        def add(convolution: nn.Module, channels: int) -> None:
            layers.extend([convolution, nn.InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)])

        add(nn.Conv2d(3 + labels, width, 4, 2, 1), width)
        add(nn.Conv2d(width, 2 * width, 4, 2, 1), 2 * width)
        layers += [_Residual(2 * width) for _ in range(blocks)]
        add(nn.ConvTranspose2d(2 * width, width, 4, 2, 1), width)
        layers += [nn.ConvTranspose2d(width, 3, 4, 2, 1), last or nn.Tanh()]
        self.layers = initialised(nn.Sequential(*layers))

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures [N, 3, R, R] in -1..1 to the like; R is a multiple of 4."""
        made: Tensor = self.layers(pictures if labels is None else with_labels(pictures, labels))
        return made.float()


class PatchDiscriminator(nn.Module):
    """A logit for every patch (Isola et al. 2017, "PatchGAN"), here of 34 x 34 pixels: half a face of 64 px."""

    def __init__(self, width: int, inputs: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for stride, channels in ((2, 2 * width), (1, 4 * width)):
            layers += [
                nn.Conv2d(channels // 2, channels, 4, stride, 1),
                nn.InstanceNorm2d(channels),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = initialised(nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, 1, 1)))

    def forward(self, pictures: Tensor, labels: Tensor | None = None) -> Tensor:
        """[N, 1, h, w]."""
        logits: Tensor = self.layers(pictures if labels is None else with_labels(pictures, labels))
        return logits.float()


def structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    """SSIM (Wang et al. 2004) of pictures [N, 3, H, W] in -1..1 in windows of 7 x 7 pixels; the mean, at most 1."""
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    a, b = a.float(), b.float()
    mean_a, mean_b = F.avg_pool2d(a, 7, 1), F.avg_pool2d(b, 7, 1)
    var_a = F.avg_pool2d(a * a, 7, 1) - mean_a.square()
    var_b = F.avg_pool2d(b * b, 7, 1) - mean_b.square()
    covariance = F.avg_pool2d(a * b, 7, 1) - mean_a * mean_b
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return (above / ((mean_a.square() + mean_b.square() + c1) * (var_a + var_b + c2))).mean()
