"""The embedded network makes pets younger, where the truth is known."""

from itertools import pairwise
from statistics import mean

import pytest

from engine.lab.evaluation.drawn_pairs import PairResult, measure_pairs
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store import load_embedded


def results(count: int) -> list[PairResult]:
    return list(measure_pairs(load_embedded(), EmbeddedDistance(), count))


def test_a_drawn_adult_comes_nearer_to_its_young_self_and_younger_all_the_way() -> None:
    (first,) = results(1)
    assert first.gap_closed > 0
    assert all(younger > older for older, younger in pairwise(first.ages))


@pytest.mark.heavy
def test_drawn_adults_of_all_breeds_come_nearer_to_their_young_selves() -> None:
    gaps = [result.gap_closed for result in results(24)]
    assert mean(gaps) > 0.55
    assert min(gaps) > 0.2
