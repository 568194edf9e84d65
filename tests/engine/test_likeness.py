"""Latents survive their bytes, and changes of the network blend linearly."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import Tensor

from engine.errors import EngineFault
from engine.generator import Adjustments, Generator, GeneratorConfig, LowRank
from engine.likeness import Latent, Likeness, blend
from engine.messages import BreedGuess, Head, Species

CONFIG = GeneratorConfig(
    z_dim=8, c_dim=0, w_dim=8, img_resolution=16, num_mapping_layers=2, channel_base=64, channel_max=8, conv_clamp=256
)


def adjustments(seed: int, rank: int = 2, weights: tuple[str, ...] = ("b8.conv0", "b16.conv1")) -> Adjustments:
    random = torch.Generator().manual_seed(seed)
    network = Generator(CONFIG)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    changes = {}
    for name in weights:
        out, into = network.synthesis.get_submodule(name).get_parameter("weight").shape[:2]
        changes[name] = LowRank(down=some(rank, into, 3, 3), up=some(out, rank))
    return Adjustments(styles={"b8.conv1": some(8)}, noises={"b16.conv1": some(16, 16)}, weights=changes)


def likeness(seed: int) -> Likeness:
    head = Head((1.0, 2.0, 30.0, 40.0), (5.0, 6.0), None, (7.0, 8.5), 0.75) if seed else None
    ws = torch.randn(1, CONFIG.num_ws, CONFIG.w_dim, generator=torch.Generator().manual_seed(seed))
    return Likeness(b"\xff\xd8photo", head, ws, adjustments(seed), 0.125, 100)


def latent(baby: Likeness | None = None) -> Latent:
    guesses = (BreedGuess("samoyed", 0.75), BreedGuess("pomeranian", 0.125))
    return Latent("storybook", "ab12", Species.DOG, "samoyed", guesses, likeness(1), baby)


def plain(value: Latent | Likeness) -> str:
    """Everything in it, to compare."""
    return json.dumps(
        asdict(value), sort_keys=True, default=lambda one: one.tolist() if hasattr(one, "tolist") else str(one)
    )


@pytest.mark.parametrize("baby", [None, likeness(2)], ids=["one photo", "with a baby photo"])
def test_a_latent_survives_its_bytes(baby: Likeness | None) -> None:
    assert plain(Latent.from_bytes(latent(baby).to_bytes())) == plain(latent(baby))


def test_a_likeness_survives_its_bytes() -> None:
    assert plain(Likeness.from_bytes(likeness(0).to_bytes())) == plain(likeness(0))


def test_damaged_latents_are_refused() -> None:
    data = latent(likeness(2)).to_bytes()
    for damaged in (b"", b"latent", data[:-1], data[:100], b"\xff" * 100, data.replace(b"pet.ws", b"pet.wx", 1)):
        with pytest.raises(EngineFault, match="damaged latent"):
            Latent.from_bytes(damaged)
    with pytest.raises(EngineFault, match="another version"):
        Latent.from_bytes(data.replace(b'"format": 1', b'"format": 9'))


@torch.no_grad()
def test_blending_is_linear_in_the_network_s_weights() -> None:
    first, second = adjustments(1), adjustments(2, rank=3, weights=("b8.conv0",))
    assert blend(first, second, 0.0) is first
    assert blend(first, second, 1.0) is second
    mixed = blend(first, second, 0.25)
    for name in ("b8.conv0", "b16.conv1"):
        parts = [(0.75, first.weights.get(name)), (0.25, second.weights.get(name))]
        expected = sum(weight * product(change) for weight, change in parts if change is not None)
        torch.testing.assert_close(product(mixed.weights[name]), expected)
    torch.testing.assert_close(
        mixed.styles["b8.conv1"], torch.lerp(first.styles["b8.conv1"], second.styles["b8.conv1"], 0.25)
    )
    torch.testing.assert_close(
        mixed.noises["b16.conv1"], torch.lerp(first.noises["b16.conv1"], second.noises["b16.conv1"], 0.25)
    )
    image = Generator(CONFIG).synthesis(likeness(1).ws, adjustments=mixed)
    assert image.shape == (1, 3, 16, 16)


def product(change: LowRank) -> Tensor:
    return torch.einsum("or,rihw->oihw", change.up, change.down)
