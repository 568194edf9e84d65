"""Pictures as tensors and as pixels."""

import numpy as np
import torch

from engine.images.tensors import to_pixels, to_tensor


def test_pictures_become_pixels() -> None:
    picture = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).expand(1, 3, 1, 5)
    assert to_pixels(picture)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_there_and_back_is_the_same() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    pixels[..., 1] = pixels[::-1, :, 0]
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels)), pixels)
