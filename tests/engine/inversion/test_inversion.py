import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.images.warping import warp
from engine.inversion import (
    OFFICIAL,
    PivotalTuning,
    Projection,
    ProjectionOptions,
    Search,
    SearchStep,
    Space,
    TuningOptions,
    advance,
    solve_feature_offsets,
)
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.messages import Species
from engine.stylegan.adjustments import carried
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.generator import UNADJUSTED, Adjustments, Generator, GeneratorConfig
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import load_embedded
from engine.stylegan.store.statistics import WStatistics, measure
from engine.threads import one_core_threads

CONFIG = GeneratorConfig(
    z_dim=32, w_dim=32, img_resolution=32, num_mapping_layers=2, channel_base=512, channel_max=32, conv_clamp=None
)
SHORT = ProjectionOptions(steps=60, resolution=32, coarse_shares=(0.2,), dtype=torch.float32)


class Pixels(PerceptualDistance):
    """A perceptual distance that only sees pixels, so that these tests are about the search."""

    name = "pixels"

    def features(self, image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        return image.flatten(1) / math.sqrt(image[0].numel())


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
    picture: Tensor = generator(torch.randn(1, 32, generator=torch.Generator().manual_seed(5)))
    return picture


def last(steps: "list[SearchStep]") -> SearchStep:
    return steps[-1]


def test_a_picture_of_the_network_is_found_again(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    steps = list(Projection(target, generator, statistics, Pixels(), SHORT).run())
    assert float(last(steps).distance) < 0.25 * float(steps[0].distance)
    drawn = generator.synthesis(last(steps).ws)
    assert (drawn - target).square().mean() < 0.3 * target.var()


def test_steps_are_counted_and_the_network_stays_as_it_was(
    generator: Generator, statistics: WStatistics, target: Tensor
) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    steps = list(Projection(target, generator, statistics, Pixels(), ProjectionOptions(steps=5, resolution=32)).run())
    assert [step.index for step in steps] == [1, 2, 3, 4, 5]
    assert {step.steps for step in steps} == {5}
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_in_w_all_layers_share_one_latent(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    options = ProjectionOptions(steps=4, resolution=32, space=Space.W)
    ws = last(list(Projection(target, generator, statistics, Pixels(), options).run())).ws
    assert ws.shape == (1, CONFIG.num_ws, CONFIG.w_dim)
    assert torch.equal(ws, ws[:, :1].expand_as(ws))


def test_it_begins_where_the_encoder_says(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    start = generator.mapping(torch.randn(1, 32))
    a_layer = start + 0.1 * torch.randn_like(start)
    for guess in (start[:, 0], a_layer):
        first = next(Projection(target, generator, statistics, Pixels(), SHORT, start=guess).run())
        assert (first.ws - guess).norm() < 0.2 * statistics.spread


@pytest.mark.parametrize(
    ("side", "sizes"), [(64, [16] * 2 + [32] * 3 + [64] * 5), (32, [16] * 5 + [32] * 5), (16, [16] * 10)]
)
def test_it_is_drawn_larger_and_larger(side: int, sizes: list[int], statistics: WStatistics) -> None:
    generator = Generator(replace(CONFIG, img_resolution=side)).requires_grad_(False)
    options = ProjectionOptions(steps=10, coarse_shares=(0.2, 0.3))
    search = Projection(torch.zeros(1, 3, side, side), generator, statistics, Pixels(), options)
    seen = []
    while not search.done:
        seen.append(search.resolution)
        search.step()
    assert seen == sizes


def test_it_stops_when_the_distance_has_stopped_falling(generator: Generator, statistics: WStatistics) -> None:
    grey = torch.zeros(1, 3, 32, 32)
    options = ProjectionOptions(steps=400, resolution=32, learning_rate=0.0, coarse_shares=(), patience=10)
    assert len(list(Projection(grey, generator, statistics, Pixels(), options).run())) < 100


def test_the_same_seed_finds_the_same(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    options = ProjectionOptions(steps=6, resolution=32, w_noise=0.05)
    first, second = (
        last(list(Projection(target, generator, statistics, Pixels(), options, seed=7).run())) for _ in range(2)
    )
    assert torch.equal(first.ws, second.ws)


def test_the_official_algorithm_keeps_its_noise_maps_normalised(
    generator: Generator, statistics: WStatistics, target: Tensor
) -> None:
    step = last(list(Projection(target, generator, statistics, Pixels(), replace(OFFICIAL, steps=8)).run()))
    assert set(step.adjustments.noises) == {
        f"b{r}.{layer}" for r in (4, 8, 16, 32) for layer in ("conv0", "conv1") if (r, layer) != (4, "conv0")
    }
    for noise in step.adjustments.noises.values():
        assert float(noise.mean()) == pytest.approx(0, abs=1e-5)
        assert float(noise.square().mean()) == pytest.approx(1, abs=1e-4)


def picture_of_noise(side: int) -> Tensor:
    """A picture that the network cannot draw."""
    noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(noise.clamp(-1, 1), 32, mode="bicubic")


def test_the_tuned_network_comes_nearer_than_the_projection(generator: Generator, statistics: WStatistics) -> None:
    strange = picture_of_noise(8)
    vector = 0.5 * statistics.deviations[0] * statistics.components[0].repeat(CONFIG.num_ws, 1)
    projected = last(list(Projection(strange, generator, statistics, Pixels(), SHORT).run()))
    options = TuningOptions(steps=60, resolution=32, dtype=torch.float32)
    tuned = last(list(PivotalTuning(strange, projected.ws, generator, Pixels(), vector, options).run()))
    assert float(tuned.distance) < 0.5 * float(projected.distance)


def test_what_is_fitted_draws_the_photo_and_leaves_the_edit() -> None:
    network = load_embedded()
    pet = sample_pets(["beagle"], torch.Generator().manual_seed(2))
    photo = render(pet, network.generator.config.img_resolution)
    assert network.encoder is not None
    ws = network.encoder.latents(photo).expand(-1, network.generator.config.num_ws, -1)
    young = ws + AgeVectors().vector(network, Species.DOG, "beagle")

    @torch.no_grad()
    def drawn(adjustments: Adjustments) -> tuple[Tensor, Tensor]:
        """The pet now, and in the large what the edit changes."""
        now, then = network.generator.synthesis(torch.cat([ws, young]), adjustments=adjustments)
        return now, torch.nn.functional.adaptive_avg_pool2d(then - now, 16)

    now, edit = drawn(UNADJUSTED)
    tuned, tuned_edit = drawn(solve_feature_offsets(photo, ws, network.generator))
    assert (tuned - photo[0]).abs().mean() < 0.05 * (now - photo[0]).abs().mean()
    assert (tuned_edit - edit).square().mean() < 0.2 * edit.square().mean()


def test_what_is_fitted_is_carried_along_with_growth(generator: Generator, statistics: WStatistics) -> None:
    strange = picture_of_noise(16)
    ws = statistics.mean.expand(1, CONFIG.num_ws, -1)

    def motion(side: int) -> Tensor:
        """Everything comes from an eighth of the picture to the right."""
        return torch.tensor([side / 8, 0.0])[None, :, None, None].expand(1, 2, side, side)

    moved = generator.synthesis(ws, adjustments=carried(solve_feature_offsets(strange, ws, generator), motion))
    expected = warp(strange, motion(32))
    assert (moved - expected).square().mean() < 0.1 * (strange - expected).square().mean()


def test_in_a_tuned_network_the_edit_changes_what_it_changed_before(
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
        options = TuningOptions(steps=40, resolution=32, edit_weight=weight, ages=(1.0,))
        tuned = last(list(PivotalTuning(target, ws, generator, Pixels(), vector, options).run()))
        drift[weight] = float((change(adjustments=tuned.adjustments) - before).abs().mean())
    assert drift[20.0] < 0.7 * drift[0.0]


def pictures_of(generator: Generator, count: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(11)
    return list(generator(torch.randn(count, 32, generator=random)).split(1))


def company(searches: Sequence[Search], late: int = 3) -> "list[SearchStep]":
    """The last steps of the searches, taken in company: each one begins `late` steps after the one before."""
    found: dict[int, SearchStep] = {}
    rounds = 0
    while any(not search.done for search in searches):
        here = [search for search in searches[: rounds // late + 1] if not search.done]
        advance(here)
        for search in here:
            if not search.pending:
                found[searches.index(search)] = search.step()
        rounds += 1
    return [found[index] for index in range(len(searches))]


def test_company_makes_no_difference_to_a_projection(generator: Generator, statistics: WStatistics) -> None:
    targets = pictures_of(generator, 3)
    options = ProjectionOptions(steps=12, resolution=32, w_noise=0.02, dtype=torch.float32)

    def searches() -> "list[Search]":
        return [
            Projection(target, generator, statistics, Pixels(), options, seed=seed)
            for seed, target in enumerate(targets)
        ]

    for run_alone, together in zip([company([one])[0] for one in searches()], company(searches()), strict=True):
        assert run_alone.index == together.index == 12
        torch.testing.assert_close(together.ws, run_alone.ws, rtol=1e-3, atol=1e-3 * statistics.spread)


def test_company_makes_no_difference_to_a_tuning(generator: Generator, statistics: WStatistics) -> None:
    targets = pictures_of(generator, 3)
    vector = 0.5 * statistics.deviations[0] * statistics.components[0].repeat(CONFIG.num_ws, 1)
    ws = statistics.mean.expand(1, CONFIG.num_ws, -1)
    options = TuningOptions(steps=8, resolution=32, dtype=torch.float32)

    def searches() -> "list[Search]":
        return [
            PivotalTuning(target, ws, generator, Pixels(), vector, options, seed=n) for n, target in enumerate(targets)
        ]

    for run_alone, together in zip([company([one])[0] for one in searches()], company(searches(), 1), strict=True):
        torch.testing.assert_close(together.distance, run_alone.distance, rtol=1e-3, atol=1e-5)
        drawn = [generator.synthesis(ws, adjustments=one.adjustments) for one in (run_alone, together)]
        assert (drawn[0] - drawn[1]).abs().mean() < 1e-3


def test_a_search_that_fails_leaves_the_others_what_they_find(generator: Generator, statistics: WStatistics) -> None:
    def failing(pictures: Tensor, features: Tensor) -> Tensor:
        raise ArithmeticError

    options = ProjectionOptions(steps=4, resolution=32, dtype=torch.float32)
    good, bad = pictures_of(generator, 2)
    run_alone = last(list(Projection(good, generator, statistics, Pixels(), options).run()))
    ill = Projection(bad, generator, statistics, Pixels(), options)
    ill.loss = failing  # type: ignore[method-assign]
    well = Projection(good, generator, statistics, Pixels(), options)
    for _ in range(4):
        advance([ill, well])
        with pytest.raises(ArithmeticError):
            ill.step()
        found = well.step()
    torch.testing.assert_close(found.ws, run_alone.ws)


def test_one_that_cannot_move_leaves_the_others_their_step(generator: Generator, statistics: WStatistics) -> None:
    def stuck() -> SearchStep:
        raise ArithmeticError

    options = ProjectionOptions(steps=4, resolution=32, dtype=torch.float32)
    well, ill = (Projection(one, generator, statistics, Pixels(), options) for one in pictures_of(generator, 2))
    ill.update = stuck  # type: ignore[method-assign]
    advance([well, ill])
    assert well.step().index == 1
    with pytest.raises(ArithmeticError):
        ill.step()


def test_halves_beside_each_other_find_what_each_finds_alone(generator: Generator, statistics: WStatistics) -> None:
    options = ProjectionOptions(steps=4, resolution=32, dtype=torch.float32)
    targets = pictures_of(generator, 5)
    run_alone = [
        last(list(Projection(target, generator, statistics, Pixels(), options).run())).ws for target in targets
    ]
    searches = [Projection(target, generator, statistics, Pixels(), options) for target in targets]
    with one_core_threads(2, "test") as pool:
        for _ in range(4):
            advance(searches, pool)
            found = [search.step().ws for search in searches]
    torch.testing.assert_close(torch.cat(found), torch.cat(run_alone), rtol=1e-3, atol=1e-3 * statistics.spread)


def test_what_is_not_a_number_stays_with_its_search(generator: Generator, statistics: WStatistics) -> None:
    options = ProjectionOptions(steps=4, resolution=32, dtype=torch.float32)
    good, bad = pictures_of(generator, 2)
    searches = [Projection(target, generator, statistics, Pixels(), options) for target in (good, bad * float("nan"))]
    well, ill = company(searches, 1)
    assert torch.isfinite(well.ws).all()
    assert not torch.isfinite(ill.ws).all()


def test_bfloat16_finds_as_well(generator: Generator, statistics: WStatistics, target: Tensor) -> None:
    ends = [
        float(
            last(list(Projection(target, generator, statistics, Pixels(), replace(SHORT, dtype=dtype)).run())).distance
        )
        for dtype in (torch.float32, torch.bfloat16)
    ]
    assert ends[1] < 1.5 * ends[0]
