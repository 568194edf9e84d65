"""What makes a network one pet's can be mixed, moved and put side by side."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.stylegan.adjustments import blend, carried, side_by_side
from engine.stylegan.generator import Adjustments, FeatureOffset, Generator, GeneratorConfig, LowRank

CONFIG = GeneratorConfig(
    z_dim=8, c_dim=0, w_dim=8, img_resolution=16, num_mapping_layers=2, channel_base=64, channel_max=8, conv_clamp=256
)


@pytest.fixture
def network() -> Generator:
    torch.manual_seed(3)
    return Generator(CONFIG).requires_grad_(False)


def adjustments(seed: int, rank: int = 2, layers: tuple[str, ...] = ("b8.conv0", "b16.conv1")) -> Adjustments:
    random = torch.Generator().manual_seed(seed)
    network = Generator(CONFIG)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    weights, features = {}, {}
    for name in layers:
        out, into = network.synthesis.get_submodule(name).get_parameter("weight").shape[:2]
        side = int(name.split(".")[0][1:])
        weights[name] = LowRank(down=some(rank, into, 3, 3), up=some(out, rank))
        features[name] = FeatureOffset(maps=some(rank, side, side), directions=some(out, rank))
    return Adjustments({"b8.conv1": some(8)}, {"b16.conv1": some(16, 16)}, weights, features)


@torch.no_grad()
def test_blending_is_linear_in_the_network_s_weights_and_features(network: Generator) -> None:
    first, second = adjustments(1), adjustments(2, rank=3, layers=("b8.conv0",))
    assert blend(first, second, 0.0) is first
    assert blend(first, second, 1.0) is second
    mixed = blend(first, second, 0.25)
    for name in ("b8.conv0", "b16.conv1"):
        for part, product in (("weights", weight), ("features", feature)):
            ends = [(0.75, getattr(first, part).get(name)), (0.25, getattr(second, part).get(name))]
            expected = sum(share * product(change) for share, change in ends if change is not None)
            torch.testing.assert_close(product(getattr(mixed, part)[name]), expected)
    torch.testing.assert_close(
        mixed.styles["b8.conv1"], torch.lerp(first.styles["b8.conv1"], second.styles["b8.conv1"], 0.25)
    )
    torch.testing.assert_close(
        mixed.noises["b16.conv1"], torch.lerp(first.noises["b16.conv1"], second.noises["b16.conv1"], 0.25)
    )
    assert network.synthesis(torch.zeros(1, CONFIG.num_ws, 8), adjustments=mixed).shape == (1, 3, 16, 16)


def weight(change: LowRank) -> Tensor:
    return torch.einsum("or,rihw->oihw", change.up, change.down)


def feature(offset: FeatureOffset) -> Tensor:
    return torch.einsum("cr,rhw->chw", offset.directions, offset.maps)


@torch.no_grad()
def test_what_lies_in_places_is_carried_along_and_the_rest_stays() -> None:
    before = adjustments(1)

    def shift(side: int) -> Tensor:
        """Everything comes from two pixels to the right."""
        return torch.tensor([2.0, 0.0])[None, :, None, None].expand(1, 2, side, side)

    after = carried(before, shift)
    for name, offset in before.features.items():
        torch.testing.assert_close(after.features[name].maps[:, :, :-2], offset.maps[:, :, 2:])
        assert torch.equal(after.features[name].directions, offset.directions)
    assert after.styles == before.styles
    assert after.weights == before.weights


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_side_by_side_each_is_drawn_as_alone(network: Generator, dtype: torch.dtype) -> None:
    own = [replace(adjustments(seed), features={}) for seed in (1, 2)]
    ws = network.mapping(torch.randn(4, 8, generator=torch.Generator().manual_seed(4)))

    def draw(rows: slice, changes: Adjustments) -> Tensor:
        drawn: Tensor = network.synthesis(ws[rows], adjustments=changes, dtype=dtype)
        return drawn

    together = draw(slice(4), side_by_side(own, [2, 2]))
    alone = torch.cat([draw(slice(2), own[0]), draw(slice(2, 4), own[1])])
    torch.testing.assert_close(together, alone, rtol=0.05 if dtype == torch.bfloat16 else 1e-4, atol=1e-3)
    assert (together - network.synthesis(ws)).abs().mean() > 0.1
