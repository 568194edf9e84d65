"""A pet in front of the embedded network: what its likeness depends on, and how it is locked."""

import pytest
import torch

from engine import aging
from engine.messages import Head, Species
from engine.networks import Network, load_network
from engine.networks.store import STORYBOOK
from engine.perceptual import load_extractor
from engine.sitting import Sitting
from engine.storybook.cli import to_image
from engine.storybook.pets import sample_pets
from engine.storybook.renderer import heads_of, render

SIDE = 256


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(STORYBOOK)


def sitting(network: Network, breed: str = "beagle", *, head: bool = True) -> Sitting:
    pet = sample_pets(["beagle"], torch.Generator().manual_seed(2))
    marked: Head | None = heads_of(pet, SIDE)[0] if head else None
    vector = aging.age_vector(network, Species.DOG, breed)
    return Sitting(to_image(render(pet, SIDE)[0]), marked, network, load_extractor(), vector, Species.DOG)


@pytest.mark.parametrize("head", [True, False])
def test_where_growth_is_known_a_breed_put_right_needs_no_new_search(network: Network, head: bool) -> None:
    first, second = (sitting(network, breed, head=head).recipe for breed in ("beagle", "poodle"))
    assert (first == second) == head


def test_where_growth_is_known_the_lock_is_the_photo_without_a_search(network: Network) -> None:
    one = sitting(network)
    list(one.project())
    searched = one.steps
    assert all(step.search is None for step in one.lock())
    assert one.steps == searched
    assert one.likeness is not None and one.standing is not None
    ws, adjustments = one.standing
    with torch.no_grad():
        unlocked = float(one.extractor(network.generator.synthesis(ws), one.target()))
        drawn = network.generator.synthesis(ws, adjustments=adjustments)
    assert one.likeness.distance < 0.01 * unlocked
    assert (drawn - one.target()).abs().max() < 0.01
