"""A pet in front of the embedded network: what its likeness depends on, and how it is locked."""

import pytest
import torch
from PIL import Image

from engine import aging
from engine.generator import UNADJUSTED
from engine.messages import Head, Species
from engine.networks import Network, load_network
from engine.networks.store import STORYBOOK
from engine.perceptual import load_extractor
from engine.pixels import to_pixels
from engine.sitting import Sitting
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
    photo = Image.fromarray(to_pixels(render(pet, SIDE)))
    return Sitting(photo, marked, network, load_extractor(), vector, Species.DOG)


@pytest.mark.parametrize("head", [True, False])
def test_where_growth_is_known_a_breed_put_right_needs_no_new_search(network: Network, head: bool) -> None:
    first, second = (sitting(network, breed, head=head).recipe for breed in ("beagle", "poodle"))
    assert (first == second) == head


def test_where_growth_is_known_the_lock_is_the_photo_without_a_search(network: Network) -> None:
    one = sitting(network)
    list(one.project())
    searched = one.steps
    assert all(step.search is None for step in one.lock())
    assert one.likeness is not None and one.likeness.steps == searched
    assert one.likeness.distance == pytest.approx(one.distance_with(UNADJUSTED))
    assert one.distance_with(one.locked()) < 0.01 * one.likeness.distance
