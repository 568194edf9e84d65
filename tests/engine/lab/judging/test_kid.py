"""The kernel distance is unbiased, and its features are the published ones."""

from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
import torch

from engine.lab.judging.kid import FEATURES, LEAST_FACES, compare, features, kernel_distances, measure_kid
from engine.lab.judging.young_faces import young_faces
from engine.lab.methods.kernel_distance import kernel_distance
from tests.engine.lab.judging.made_up_results import write_results, write_unseen


def gaussian(count: int, seed: int, mean: float = 0.0, size: int = 4) -> torch.Tensor:
    return mean + torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def test_a_value_worked_out_by_hand() -> None:
    # k(x, y) = (xy + 1)³ of one feature: k(0, 1) = 1 and k(2, 3) = 343 within; 1, 1, 27, 64 between
    assert kernel_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [3.0]])) == pytest.approx(
        344 - 2 * 93 / 4
    )


def test_of_one_distribution_it_is_zero_in_the_mean_however_few() -> None:
    values = [kernel_distance(gaussian(6, 2 * i), gaussian(9, 2 * i + 1)) for i in range(400)]
    assert abs(fmean(values)) < 3 * stdev(values) / 400**0.5
    assert min(values) < 0


def test_of_shifted_gaussians_it_is_what_theory_says() -> None:
    # With x·y = Σ x y over one feature, E k(x, y) of N(a, 1) and N(b, 1), worked out by moments:
    # E (xy + 1)³ = E x³ E y³ + 3 E x² E y² + 3 E x E y + 1
    def expected(a: float, b: float) -> float:
        return (a**3 + 3 * a) * (b**3 + 3 * b) + 3 * (a**2 + 1) * (b**2 + 1) + 3 * a * b + 1

    true = expected(0, 0) + expected(1, 1) - 2 * expected(0, 1)
    values = [kernel_distance(gaussian(10, 2 * i, size=1), gaussian(10, 2 * i + 1, 1.0, size=1)) for i in range(1500)]
    assert fmean(values) == pytest.approx(true, abs=3.5 * stdev(values) / 1500**0.5)


def test_ten_splits_of_a_set_with_itself_are_about_zero() -> None:
    faces = gaussian(60, 1)
    values = kernel_distances(faces, faces)
    assert len(values) == 10
    far = fmean(kernel_distances(faces, gaussian(60, 2, 1.0)))
    assert abs(fmean(values)) < 0.1 * far
    assert kernel_distances(faces, faces, seed=1) != values


def test_results_half_way_to_the_young_are_nearer() -> None:
    young, adults = gaussian(80, 1, 1.0), gaussian(80, 2, 0.0)
    told = compare(gaussian(80, 3, 0.5), adults, young)
    assert 0 < told["ratio"] < 0.6
    assert told["faces"] == {"results": 80, "adults": 80, "young": 80}
    assert compare(adults, adults, young)["ratio"] == 1
    assert compare(adults, adults, young[: LEAST_FACES - 1])["ratio"] is None


def test_features_do_not_depend_on_the_size_of_flat_pictures() -> None:
    flat = [np.full((side, side, 3), 120, np.uint8) for side in (256, 480)]
    first, second = features(flat)
    assert first.shape == (FEATURES,)
    torch.testing.assert_close(first, second)
    assert features([]).shape == (0, FEATURES)


def test_dogs_and_cats_are_told_apart(tmp_path: Path) -> None:
    write_results(tmp_path / "results", ["samoyed", "pug"] * 3)
    write_unseen(tmp_path / "photos", ["beagle", "pug", "tabby"], young=True, seeds=(1, 2, 3))
    told = measure_kid(tmp_path / "results", young_faces([tmp_path / "photos"], ()))
    assert set(told) == {"dog", "young_seen_by"}
    assert told["dog"]["faces"] == {"results": 6, "adults": 6, "young": 6}
    assert told["dog"]["adults"]["kid"] > 0
    assert told["young_seen_by"] == []
