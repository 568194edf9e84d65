"""The embedded network makes pets younger, where the truth is known."""

from itertools import pairwise
from statistics import mean

import pytest

from engine.lab.evaluation.drawn_pairs import PairResult, measure_pairs
from engine.stylegan.perceptual import load_extractor
from engine.stylegan.store import load_network


def results(count: int) -> list[PairResult]:
    return list(measure_pairs(load_network("storybook"), load_extractor("efficientnet-lite0"), count))


def test_a_drawn_adult_comes_nearer_to_its_young_self_and_younger_all_the_way() -> None:
    (first,) = results(1)
    assert first.gap_closed > 0.5
    assert all(younger > older for older, younger in pairwise(first.ages))
    # The lock takes nothing of the age away: results change little, and the network's own picture is this pet's.
    assert first.with_tuning.result == pytest.approx(first.without_tuning.result, abs=0.03)
    assert first.with_tuning.result != first.without_tuning.result
    assert first.with_tuning.picture > first.without_tuning.picture + 0.1


@pytest.mark.heavy
def test_drawn_adults_of_all_breeds_come_nearer_to_their_young_selves() -> None:
    gaps = [result.gap_closed for result in results(24)]
    assert mean(gaps) > 0.55
    assert min(gaps) > 0.2
