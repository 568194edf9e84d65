from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import OperatorError
from engine.messages import Species
from engine.stylegan import age_vectors
from engine.stylegan.age_vectors import AgeVectors, learn_age_vector
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store import Network
from engine.stylegan.store.statistics import WStatistics, describe, measure
from engine.vision.alignment import FaceTemplate

CONFIG = GeneratorConfig(
    z_dim=16, w_dim=24, img_resolution=64, num_mapping_layers=2, channel_base=256, channel_max=16, conv_clamp=None
)


@pytest.fixture
def ages(tmp_path: Path) -> AgeVectors:
    return AgeVectors(tmp_path)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    torch.manual_seed(0)
    generator = Generator(CONFIG).eval().requires_grad_(False)
    statistics, sums = measure(generator, samples=500), {"small.safetensors": "0a"}
    return Network("small", generator, FaceTemplate.STORYBOOK, (), tmp_path, statistics, sha256=sums)


def flat_statistics() -> WStatistics:
    """w that vary along the first four of eight axes only."""
    w = torch.randn(4000, 8, generator=torch.Generator().manual_seed(1))
    w[:, 4:] *= 1e-3
    return describe(w)


def rows(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).repeat(10, 1)


@pytest.fixture
def four_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """An age vector may lie in the first four axes, and no row is fine."""
    monkeypatch.setattr(age_vectors, "_COMPONENTS", 4)
    monkeypatch.setattr(age_vectors, "_FINE_FROM", 10)


def cleaned(difference: Tensor, yaw: Tensor | None = None) -> Tensor:
    return learn_age_vector(difference[None], torch.zeros_like(difference)[None], flat_statistics(), yaw)


@pytest.mark.usefixtures("four_components")
def test_the_mean_difference_of_the_pairs_is_what_is_learned() -> None:
    adult = torch.randn(6, 10, 8, generator=torch.Generator().manual_seed(2))
    adult[..., 4:] = 0
    young = adult + rows(1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    learned = learn_age_vector(young, adult, flat_statistics())
    torch.testing.assert_close(learned, rows(1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), atol=0.02, rtol=0)


@pytest.mark.usefixtures("four_components")
def test_what_lies_off_the_manifold_is_taken_out() -> None:
    vector = cleaned(rows(1, 0, 0, 0, 5, 5, 5, 5))
    assert vector[:, 4:].abs().max() < 0.02
    assert float(vector[0, 0]) == pytest.approx(1, abs=0.01)


@pytest.mark.usefixtures("four_components")
def test_yaw_is_taken_out_and_the_rest_stays() -> None:
    vector = cleaned(rows(1, 2, 0, 0, 0, 0, 0, 0), torch.tensor([[0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]))
    assert vector[:, 1].abs().max() < 0.02
    assert float(vector[0, 0]) == pytest.approx(1, abs=0.02)


def test_fine_layers_change_less() -> None:
    vector = cleaned(rows(1, 0, 0, 0, 0, 0, 0, 0))
    assert float(vector[9, 0]) == pytest.approx(0.3 * float(vector[0, 0]), rel=1e-4)


def test_a_learned_breed_goes_before_its_species_and_can_be_forgotten(ages: AgeVectors, network: Network) -> None:
    mean, own = torch.ones(CONFIG.num_ws, CONFIG.w_dim), torch.full((CONFIG.num_ws, CONFIG.w_dim), 2.0)
    ages.save(network, "pug", own)
    ages.save(network, "dog", mean)
    assert torch.equal(ages.vector(network, Species.DOG, "pug"), own)
    assert torch.equal(ages.vector(network, Species.DOG, "beagle"), mean)
    assert ages.learned_breeds(network) == ["dog", "pug"]
    assert ages.remove(network, "pug")
    assert not ages.remove(network, "pug")
    assert torch.equal(ages.vector(network, Species.DOG, "pug"), mean)


def test_a_species_without_a_vector_of_its_own_takes_the_mean_of_its_breeds(ages: AgeVectors, network: Network) -> None:
    for breed, value in (("pug", 1.0), ("beagle", 3.0), ("siamese", 7.0)):
        ages.save(network, breed, torch.full((CONFIG.num_ws, CONFIG.w_dim), value))
    assert float(ages.known(network)["dog"].mean()) == 2.0
    assert float(ages.vector(network, Species.CAT).mean()) == 7.0
    assert float(ages.vector(network, Species.CAT, "pug").mean()) == 7.0  # a cat is no pug


def test_what_was_learned_in_other_weights_is_not_applied_to_these(ages: AgeVectors, network: Network) -> None:
    mean, own = torch.ones(CONFIG.num_ws, CONFIG.w_dim), torch.full((CONFIG.num_ws, CONFIG.w_dim), 2.0)
    ages.save(network, "pug", own)
    newer = replace(network, sha256={"small.safetensors": "0b"})
    assert (ages.learned_breeds(newer), ages.outdated_breeds(newer)) == ([], ["pug"])
    with pytest.raises(OperatorError):
        ages.vector(newer, Species.DOG, "pug")
    ages.save(newer, "dog", mean)
    assert torch.equal(ages.vector(newer, Species.DOG, "pug"), mean)
    assert (ages.learned_breeds(newer), ages.outdated_breeds(newer)) == (["dog"], [])


def test_a_network_that_knows_no_age_says_so(ages: AgeVectors, network: Network) -> None:
    with pytest.raises(OperatorError):
        ages.vector(network, Species.DOG)
