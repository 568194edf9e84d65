import pytest
import torch
from torch import Tensor

from engine.generator import Generator, GeneratorConfig
from engine.networks.statistics import WStatistics, measure
from engine.perceptual import PerceptualDistance
from engine.projection import OFFICIAL, LockOptions, ProjectionOptions, Space, Step, lock, project

CONFIG = GeneratorConfig(
    z_dim=32, w_dim=32, img_resolution=32, num_mapping_layers=2, channel_base=512, channel_max=32, conv_clamp=None
)
SHORT = ProjectionOptions(steps=60, resolution=32, coarse_share=0.2)


class Pixels(PerceptualDistance):
    """A perceptual distance that only sees pixels, so that these tests are about the search."""

    name = "pixels"

    def features(self, image: Tensor) -> Tensor:
        return image.flatten(1) / image[0].numel() ** 0.5


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(3)
    generator = Generator(CONFIG)
    for name, value in generator.named_parameters():
        if name.endswith("torgb.weight"):
            value.data *= 0.3
    return generator.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def statistics(generator: Generator) -> WStatistics:
    return measure(generator, samples=2000)


@pytest.fixture(scope="module")
def target(generator: Generator) -> Tensor:
    """A picture that the network can draw."""
    return generator(torch.randn(1, 32, generator=torch.Generator().manual_seed(5)))


def last(steps: "list[Step]") -> Step:
    return steps[-1]


def test_a_picture_of_the_network_is_found_again(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    steps = list(project(target, generator, statistics, Pixels(), SHORT))
    assert float(last(steps).distance) < 0.25 * float(steps[0].distance)
    drawn = generator.synthesis(last(steps).ws)
    assert (drawn - target).square().mean() < 0.3 * target.var()


def test_steps_are_counted_and_the_network_stays_as_it_was(
    generator: Generator, statistics: WStatistics, target: Tensor
) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    steps = list(project(target, generator, statistics, Pixels(), ProjectionOptions(steps=5, resolution=32)))
    assert [step.index for step in steps] == [1, 2, 3, 4, 5]
    assert {step.steps for step in steps} == {5}
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_in_w_all_layers_share_one_latent(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    options = ProjectionOptions(steps=4, resolution=32, space=Space.W)
    ws = last(list(project(target, generator, statistics, Pixels(), options))).ws
    assert ws.shape == (1, CONFIG.num_ws, CONFIG.w_dim)
    assert torch.equal(ws, ws[:, :1].expand_as(ws))


def test_it_begins_where_the_encoder_says(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    start = generator.mapping(torch.randn(1, 32))[:, 0]
    first = next(project(target, generator, statistics, Pixels(), SHORT, start=start))
    assert (first.ws - start).norm() < 0.2 * statistics.spread


def test_it_stops_when_the_distance_has_stopped_falling(generator: Generator, statistics: WStatistics) -> None:
    grey = torch.zeros(1, 3, 32, 32)
    options = ProjectionOptions(steps=400, resolution=32, learning_rate=0.0, coarse_share=0.0, patience=10)
    assert len(list(project(grey, generator, statistics, Pixels(), options))) < 100


def test_the_same_seed_finds_the_same(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    options = ProjectionOptions(steps=6, resolution=32, w_noise=0.05)
    first, second = (last(list(project(target, generator, statistics, Pixels(), options, seed=7))) for _ in range(2))
    assert torch.equal(first.ws, second.ws)


def test_the_official_algorithm_keeps_its_noise_maps_normalised(
    generator: Generator, statistics: WStatistics, target: Tensor
) -> None:
    from dataclasses import replace

    step = last(list(project(target, generator, statistics, Pixels(), replace(OFFICIAL, steps=8))))
    assert set(step.adjustments.noises) == {
        f"b{r}.{layer}" for r in (4, 8, 16, 32) for layer in ("conv0", "conv1") if (r, layer) != (4, "conv0")
    }
    for noise in step.adjustments.noises.values():
        assert float(noise.mean()) == pytest.approx(0, abs=1e-5)
        assert float(noise.square().mean()) == pytest.approx(1, abs=1e-4)


def test_the_lock_comes_nearer_than_the_projection_and_holds_the_edit(
    generator: Generator, statistics: WStatistics
) -> None:
    torch.manual_seed(1)
    strange = torch.nn.functional.interpolate(torch.randn(1, 3, 8, 8).clamp(-1, 1), 32, mode="bicubic")
    older = strange.flip(-1)
    vector = 0.5 * statistics.deviations[0] * statistics.components[0].repeat(CONFIG.num_ws, 1)
    projected = last(list(project(strange, generator, statistics, Pixels(), SHORT)))
    options = LockOptions(steps=60, resolution=32, coarse_share=0.0, ages=(1.0,))
    locked = last(
        list(
            lock(
                strange, projected.ws, generator, Pixels(), vector, options, grown=lambda age: strange.lerp(older, age)
            )
        )
    )
    assert float(locked.distance) < 0.5 * float(projected.distance)
    edited = generator.synthesis(locked.ws + vector, adjustments=locked.adjustments)
    assert (edited - older).square().mean() < (edited - strange).square().mean()


def test_without_a_truth_the_edit_changes_what_it_changed_before(
    generator: Generator, statistics: WStatistics, target: Tensor
) -> None:
    ws = generator.mapping(torch.randn(1, 32, generator=torch.Generator().manual_seed(8)))
    vector = statistics.deviations[0] * statistics.components[0].repeat(CONFIG.num_ws, 1)

    def change(**adjusted: object) -> Tensor:
        pair = generator.synthesis(torch.cat([ws, ws + vector]), **adjusted)
        return torch.nn.functional.adaptive_avg_pool2d(pair[1:] - pair[:1], 16)

    before = change()
    drift = {}
    for weight in (0.0, 20.0):
        options = LockOptions(steps=40, resolution=32, learning_rate=0.03, edit_weight=weight, ages=(1.0,))
        locked = last(list(lock(target, ws, generator, Pixels(), vector, options)))
        drift[weight] = float((change(adjustments=locked.adjustments) - before).abs().mean())
    assert drift[20.0] < 0.7 * drift[0.0]
