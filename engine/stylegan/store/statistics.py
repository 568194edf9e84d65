"""Measures the distribution of a network's w: mean, spread and principal components."""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.stylegan.generator import Generator

SAMPLES = 10_000  # random w; as many as the official projector takes


class WStatistics(NamedTuple):
    """Statistics of w over random z, all float32 on one device."""

    mean: Tensor  # [w_dim]
    std: Tensor  # [w_dim], of each coordinate
    components: Tensor  # [w_dim, w_dim], principal components in rows, orthonormal, widest first
    deviations: Tensor  # [w_dim], the standard deviation along each component

    @property
    def spread(self) -> float:
        """The root of the mean squared distance of w from its mean: what the official projector calls w_std."""
        return float(self.std.square().sum().sqrt())

    def to(self, device: torch.device | str) -> "WStatistics":
        return WStatistics(*(tensor.to(device) for tensor in self))

    def save(self, path: Path) -> None:
        save_file({name: tensor.contiguous().cpu() for name, tensor in self._asdict().items()}, path)

    @staticmethod
    def load(path: Path) -> "WStatistics":
        """Raises KeyError, TypeError or a safetensors error when the file is not what `save` wrote."""
        return WStatistics(**load_file(path))


def measure(generator: Generator, samples: int = SAMPLES, seed: int = 0) -> WStatistics:
    """Map `samples` random z; the same numbers for the same seed."""
    random = torch.Generator().manual_seed(seed)
    counts = [min(1_000, samples - start) for start in range(0, samples, 1_000)]
    return describe(torch.cat([random_w(generator, count, random) for count in counts]))


@torch.no_grad()
def random_w(generator: Generator, count: int, random: torch.Generator) -> Tensor:
    """[count, w_dim] of random z; conditions are drawn evenly among the classes."""
    config, device = generator.config, generator.mapping.w_avg.device
    z = torch.randn(count, config.z_dim, generator=random).to(device)
    c = None
    if config.c_dim:
        c = torch.eye(config.c_dim)[torch.randint(config.c_dim, (count,), generator=random)].to(device)
    ws: Tensor = generator.mapping(z, c)
    return ws[:, 0].clone()  # ws repeat it for every layer: a view would keep them all in memory


def describe(w: Tensor) -> WStatistics:
    """The statistics of these w [N, w_dim]."""
    w = w.double()
    mean = w.mean(dim=0)
    centred = w - mean
    variances, directions = torch.linalg.eigh(centred.t() @ centred / len(w))
    return WStatistics(
        mean=mean.float(),
        std=centred.square().mean(dim=0).sqrt().float(),
        components=directions.flip(1).t().contiguous().float(),
        deviations=variances.flip(0).clamp(min=0).sqrt().float(),
    )
