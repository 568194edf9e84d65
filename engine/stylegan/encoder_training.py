"""Trains an encoder for a network on the network's own pictures; no photos are needed.

The encoder gives the first preview and the start of the projection (`engine.stylegan.encoder`). It learns to predict
the w that a picture was made from, in units of the spread of w, so that every direction counts the same (after Zhu et
al. 2020, "In-Domain GAN Inversion", section 3.1, without its adversary).
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.errors import NetworkError
from engine.stylegan.encoder import INPUT_SIZE, Encoder
from engine.stylegan.store.network_files import Network
from engine.stylegan.store.statistics import random_w

_REPORT_EVERY = 10  # steps between two reports of progress


@dataclass(frozen=True, slots=True)
class EncodingOptions:
    """How an encoder is trained."""

    pictures: int = 100_000
    minutes: float = 60.0  # stop then, however many were seen
    batch: int = 16
    learning_rate: float = 1e-3
    truncation: float = 0.5  # each w is pulled towards the mean, at most to this share of its distance
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EncoderProgress:
    """How far the training is, and how good the encoder."""

    pictures: int
    explained: float  # of the variance of w, lately; 1 is perfect, 0 what the mean of w explains


def train_encoder(
    network: Network, encoder: Encoder, options: EncodingOptions | None = None
) -> Iterator[EncoderProgress]:
    """Train `encoder` in place, and yield now and then where it stands.

    Every picture is a new one, so progress is measured on pictures the encoder has not seen.

    Raises `NetworkError` when the options leave nothing to learn from.
    """
    options = options or EncodingOptions()
    if options.pictures <= 0 or options.minutes <= 0:
        raise NetworkError("There is nothing to learn from without pictures and without time.")
    generator, statistics = network.generator, network.statistics
    device, std = statistics.mean.device, statistics.std.clamp(min=1e-4)
    random = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():  # begin at the mean, in units of the spread
        encoder.out.weight.mul_(std[:, None])
        encoder.out.bias.copy_(statistics.mean)
    encoder.requires_grad_(True).train()
    optimiser = torch.optim.Adam(encoder.parameters(), lr=options.learning_rate)
    side = min(INPUT_SIZE, generator.config.img_resolution)
    seen, began = 0, time.monotonic()
    error, variance = torch.zeros((), device=device), torch.zeros((), device=device)
    while True:
        share = max(seen / options.pictures, (time.monotonic() - began) / (60 * options.minutes))
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * share)))
        w = _sample_w(network, options, random)
        with torch.no_grad():
            pictures = generator.synthesis(w[:, None].expand(-1, generator.config.num_ws, -1), resolution=side)
        errors = ((encoder(pictures) - w) / std).square().mean(dim=1)
        optimiser.zero_grad(set_to_none=True)
        errors.mean().backward()
        optimiser.step()
        seen += len(w)
        with torch.no_grad():
            error = 0.95 * error + errors.mean()
            variance = 0.95 * variance + ((w - statistics.mean) / std).square().mean()
        if seen // options.batch % _REPORT_EVERY == 0:
            yield EncoderProgress(seen, 1 - float(error / variance))
    encoder.requires_grad_(False).eval()
    yield EncoderProgress(seen, 1 - float(error / variance))


def _sample_w(network: Network, options: EncodingOptions, random: torch.Generator) -> Tensor:
    """[batch, w_dim], each pulled towards the mean by a share of its own."""
    w = random_w(network.generator, options.batch, random)
    psi = torch.empty(options.batch, 1).uniform_(options.truncation, 1.0, generator=random).to(w)
    mean = network.statistics.mean
    return mean + psi * (w - mean)
