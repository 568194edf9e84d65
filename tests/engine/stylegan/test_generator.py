import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.stylegan.generator import Adjustments, Generator, GeneratorConfig, LowRank
from tests.shared import SHARED, needs_shared

FIXTURES = Path(__file__).parents[1] / "fixtures"
REFERENCES = [
    pytest.param(FIXTURES, "small16", id="small16"),
    *(pytest.param(SHARED / "parity", name, id=name, marks=needs_shared) for name in ("tiny32", "small64", "cond32")),
]


def config_of(official: dict[str, Any]) -> GeneratorConfig:
    mapping, synthesis = official["mapping_kwargs"], official["synthesis_kwargs"]
    return GeneratorConfig(
        z_dim=official["z_dim"],
        c_dim=official["c_dim"],
        w_dim=official["w_dim"],
        img_resolution=official["img_resolution"],
        num_mapping_layers=mapping["num_layers"],
        channel_base=synthesis["channel_base"],
        channel_max=synthesis["channel_max"],
        conv_clamp=synthesis["conv_clamp"],
    )


def load_reference(directory: Path, name: str) -> tuple[Generator, dict[str, Tensor]]:
    """A generator with a reference's weights, and the numbers that it has to give."""
    config = json.loads((directory / f"{name}.json").read_text())["config"]
    generator = Generator(config_of(config)).eval().requires_grad_(False)
    generator.load_state_dict(load_file(directory / f"{name}.state.safetensors"))
    return generator, load_file(directory / f"{name}.expected.safetensors")


@pytest.fixture(scope="module")
def small() -> Generator:
    return load_reference(FIXTURES, "small16")[0]


def farthest(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())


@pytest.mark.parametrize(("directory", "name"), REFERENCES)
def test_gives_the_reference_numbers(directory: Path, name: str) -> None:
    generator, expected = load_reference(directory, name)
    z, c = expected["z"], expected.get("c")

    assert farthest(generator.mapping(z, c), expected["ws"]) <= 1e-5
    assert farthest(generator.mapping(z, c, 0.7), expected["ws_psi07"]) <= 1e-5
    assert farthest(generator.mapping(z, c, 0.7, 4), expected["ws_psi07_cutoff4"]) <= 1e-5
    assert farthest(generator.synthesis(expected["ws"]), expected["img_const"]) <= 1e-4
    assert farthest(generator.synthesis(expected["ws_psi07"], "none"), expected["img_none"]) <= 1e-4
    assert farthest(generator.synthesis(expected["ws_mix"]), expected["img_mix"]) <= 1e-4


@pytest.mark.parametrize(("directory", "name"), REFERENCES)
def test_gives_the_reference_gradient(directory: Path, name: str) -> None:
    generator, expected = load_reference(directory, name)
    ws = expected["ws"][:1].clone().requires_grad_()
    image = generator.synthesis(ws)
    loss = (image * torch.linspace(-1, 1, image.shape[-1])).mean()
    (gradient,) = torch.autograd.grad(loss, ws)

    assert loss.item() == pytest.approx(expected["grad_loss"].item(), rel=1e-3, abs=1e-6)
    assert farthest(gradient, expected["grad_ws"]) <= 1e-3 * float(expected["grad_ws"].abs().max())


@pytest.mark.parametrize(("directory", "name"), REFERENCES)
def test_has_the_reference_keys_and_shapes(directory: Path, name: str) -> None:
    reference = json.loads((directory / f"{name}.json").read_text())
    generator = Generator(config_of(reference["config"]))
    assert {key: list(value.shape) for key, value in generator.state_dict().items()} == reference["keys"]


def test_an_official_512_px_network_fits() -> None:
    with torch.device("meta"):
        generator = Generator(GeneratorConfig())
    shapes = {key: tuple(value.shape) for key, value in generator.state_dict().items()}

    assert len(shapes) == 163
    assert sum(parameter.numel() for parameter in generator.parameters()) == 30_276_583
    assert generator.config.num_ws == 16
    assert shapes["synthesis.b4.const"] == (512, 4, 4)
    assert shapes["synthesis.b128.conv0.weight"] == (256, 512, 3, 3)
    assert shapes["synthesis.b512.conv1.weight"] == (64, 64, 3, 3)
    assert shapes["synthesis.b512.conv1.noise_const"] == (512, 512)
    assert shapes["mapping.fc7.weight"] == (512, 512)


def test_truncation_goes_straight_to_the_mean(small: Generator) -> None:
    z, c = torch.randn(4, 16), torch.eye(3)[[0, 1, 2, 0]]
    ws, mean = small.mapping(z, c), small.mapping.w_avg

    assert farthest(small.mapping(z, c, 0.0), mean.expand_as(ws)) <= 1e-6
    assert farthest(small.mapping(z, c, 0.25), mean + 0.25 * (ws - mean)) <= 1e-5
    cut = small.mapping(z, c, 0.5, 2)
    assert torch.equal(cut[:, 2:], ws[:, 2:])
    assert farthest(cut[:, :2], mean + 0.5 * (ws[:, :2] - mean)) <= 1e-5


def test_only_random_noise_differs_between_calls(small: Generator) -> None:
    ws = small.mapping(torch.randn(1, 16), torch.eye(3)[:1])

    assert torch.equal(small.synthesis(ws, "const"), small.synthesis(ws, "const"))
    assert torch.equal(small.synthesis(ws, "none"), small.synthesis(ws, "none"))
    assert farthest(small.synthesis(ws, "random"), small.synthesis(ws, "random")) > 1e-3
    assert farthest(small.synthesis(ws, "const"), small.synthesis(ws, "none")) > 1e-3


def test_a_picture_does_not_depend_on_its_company(small: Generator) -> None:
    z, c = torch.randn(5, 16), torch.eye(3)[[0, 1, 2, 0, 1]]
    together = small(z, c)
    alone = torch.cat([small(z[i : i + 1], c[i : i + 1]) for i in range(5)])
    assert farthest(together, alone) <= 1e-5


def test_the_size_of_z_does_not_matter(small: Generator) -> None:
    z, c = torch.randn(2, 16), torch.eye(3)[:2]
    assert farthest(small.mapping(z, c), small.mapping(z * 7, c)) <= 1e-5


def test_stops_early_at_the_skip_sum_of_a_block(small: Generator) -> None:
    ws = small.mapping(torch.randn(2, 16), torch.eye(3)[:2])
    assert small.synthesis(ws, resolution=8).shape == (2, 3, 8, 8)
    assert torch.equal(small.synthesis(ws, resolution=16), small.synthesis(ws))


def test_adjusted_styles_act_where_they_are_named(small: Generator) -> None:
    ws = small.mapping(torch.randn(1, 16), torch.eye(3)[:1])
    adjusted = Adjustments(styles={"b16.conv1": torch.ones(small.config.channels(16))})
    assert farthest(small.synthesis(ws, adjustments=adjusted), small.synthesis(ws)) > 1e-3
    early = small.synthesis(ws, resolution=8, adjustments=adjusted)
    assert torch.equal(early, small.synthesis(ws, resolution=8))


def test_adjusted_noises_replace_the_constant_ones(small: Generator) -> None:
    ws = small.mapping(torch.randn(1, 16), torch.eye(3)[:1])
    layers = ("b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1")
    own = {name: small.get_submodule(f"synthesis.{name}").get_buffer("noise_const") for name in layers}
    silent = Adjustments(noises={name: torch.zeros_like(noise) for name, noise in own.items()})
    assert torch.equal(small.synthesis(ws, adjustments=Adjustments(noises=own)), small.synthesis(ws))
    assert farthest(small.synthesis(ws, adjustments=silent), small.synthesis(ws, "none")) <= 1e-6


def test_weight_changes_are_the_same_for_all_and_for_each_sample(small: Generator) -> None:
    ws = small.mapping(torch.randn(2, 16), torch.eye(3)[:2])
    changes = {
        name: [LowRank(torch.randn(2, inputs, 3, 3), torch.randn(outputs, 2) * 0.1) for _ in range(2)]
        for name, inputs, outputs in (("b8.conv0", 16, 16), ("b16.conv1", 8, 8))
    }
    together = Adjustments(
        weights={
            name: LowRank(torch.stack([c.down for c in pair]), torch.stack([c.up for c in pair]))
            for name, pair in changes.items()
        }
    )
    images = small.synthesis(ws, adjustments=together)
    for i in range(2):
        one = Adjustments(weights={name: pair[i] for name, pair in changes.items()})
        alone = small.synthesis(ws[i : i + 1], adjustments=one)
        assert farthest(images[i : i + 1], alone) <= 1e-4
        assert farthest(alone, small.synthesis(ws[i : i + 1])) > 1e-2


def test_a_conditional_network_asks_for_its_condition(small: Generator) -> None:
    with pytest.raises(ValueError, match="conditional"):
        small.mapping(torch.randn(1, 16))


@pytest.mark.parametrize("resolution", [0, 2, 12, 100])
def test_a_resolution_that_is_no_power_of_two_is_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        GeneratorConfig(img_resolution=resolution)


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_compiled_it_draws_and_passes_gradients_as_before() -> None:
    generator, expected = load_reference(FIXTURES, "small16")
    found = {}
    for name in ("plain", "compiled"):
        ws = expected["ws"].clone().requires_grad_()
        picture = generator.synthesis(ws, adjustments=Adjustments(styles={"b8.conv1": torch.full((1,), 0.1)}))
        torch.autograd.backward(picture.square().sum())
        found[name] = picture.detach(), ws.grad
        generator.compile_synthesis()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    torch.testing.assert_close(found["compiled"], found["plain"], rtol=1e-3, atol=1e-4)
