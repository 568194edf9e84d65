"""Drawn pets go the whole way: the photo is met exactly, and what comes out looks younger."""

from statistics import mean

import pytest

from engine.lab.evaluation.drawn_pairs import PairResult, measure_pairs
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store import load_embedded


def results(count: int) -> list[PairResult]:
    return list(measure_pairs(load_embedded(), EmbeddedDistance(), count))


def test_a_drawn_adult_is_met_exactly_and_comes_out_younger() -> None:
    (first,) = results(1)
    assert first.reconstruction < 0.001
    assert first.untuned > 0.05
    assert first.gap_closed > 0.4
    assert first.ages[0] == 0
    assert first.ages[-1] > 0.1


@pytest.mark.heavy
def test_drawn_adults_of_most_breeds_come_out_younger_and_near_their_young_selves() -> None:
    found = results(24)
    assert max(result.reconstruction for result in found) < 0.001
    assert mean(result.ages[-1] > 0.1 for result in found) > 0.8
    assert mean(result.gap_closed for result in found) > 0.6
    assert min(result.gap_closed for result in found) > -0.1
    # Of the Yorkshire terrier, what stands out from its head stays grey, and so do patches of its chest.
    assert mean(result.gap_closed > 0.2 for result in found) > 0.95
