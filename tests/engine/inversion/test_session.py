"""A pet in front of the embedded network: what its inversion depends on, and how the network is tuned to it."""

from collections.abc import Generator

import pytest
import torch
from PIL import Image

from engine.images.tensors import to_pixels
from engine.inversion.session import Inversion, run_together
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.messages import Head, Species, Stage
from engine.process.jobs import JobStep
from engine.step_runner import result_of
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.generator import UNADJUSTED
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store import Network, load_embedded

SIDE = 256


@pytest.fixture(scope="module")
def network() -> Network:
    return load_embedded()


def inversion(network: Network, breed: str = "beagle", *, head: bool = True) -> Inversion:
    pet = sample_pets(["beagle"], torch.Generator().manual_seed(2))
    marked: Head | None = heads_of(pet, SIDE)[0] if head else None
    vector = AgeVectors().vector(network, Species.DOG, breed)
    photo = Image.fromarray(to_pixels(render(pet, SIDE)))
    return Inversion(photo, marked, Species.DOG, network, EmbeddedDistance(), vector)


@pytest.mark.parametrize("head", [True, False])
def test_where_growth_is_known_a_breed_put_right_needs_no_new_search(network: Network, head: bool) -> None:
    first, second = (inversion(network, breed, head=head).recipe for breed in ("beagle", "poodle"))
    assert (first == second) == head


def test_where_growth_is_known_the_network_is_tuned_without_a_search(network: Network) -> None:
    one = inversion(network)
    list(one.project())
    searched = one.steps
    steps: list[JobStep] = []
    inverted = result_of(one.tune(), steps.append)
    assert all(not step.searches for step in steps)
    assert inverted.steps == searched
    assert inverted.distance == pytest.approx(one.distance_with(UNADJUSTED))
    assert one.distance_with(one.tuned()) < 0.01 * inverted.distance


class Walked:
    """Ways that remember where they are; a way of a negative length ends with an error after as many steps."""

    def __init__(self) -> None:
        self.open: set[str] = set()

    def way(self, name: str, length: int) -> Generator[JobStep, None, str]:
        self.open.add(name)
        try:
            for count in range(1, abs(length) + 1):
                yield JobStep(Stage.LOCKING, count / abs(length), name.encode())
            if length < 0:
                raise ValueError(name)
            return name
        finally:
            self.open.remove(name)


def test_ways_run_together_are_as_far_as_all_of_them_and_end_with_the_last() -> None:
    walked = Walked()
    steps: list[JobStep] = []
    results = result_of(run_together([walked.way("pet", 2), walked.way("baby", 4)]), steps.append)
    assert results == ["pet", "baby"]
    assert [step.share for step in steps] == pytest.approx([0.375, 0.75, 0.875, 1.0])
    assert [step.preview for step in steps] == [b"pet", b"pet", b"baby", b"baby"]
    assert {step.stage for step in steps} == {Stage.LOCKING}
    assert not walked.open
    assert not list(run_together([]))


def test_an_error_on_one_of_the_ways_ends_all() -> None:
    walked = Walked()
    with pytest.raises(ValueError, match="baby"):
        list(run_together([walked.way("pet", 4), walked.way("baby", -2)]))
    assert not walked.open


def test_ways_given_up_are_closed_at_once() -> None:
    walked = Walked()
    both = run_together([walked.way("pet", 4), walked.way("baby", 4)])
    next(both)
    assert walked.open == {"pet", "baby"}
    both.close()
    assert not walked.open
