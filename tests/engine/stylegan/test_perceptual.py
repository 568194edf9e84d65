import warnings
from collections.abc import Callable
from math import exp
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.stylegan.perceptual import (
    EmbeddedDistance,
    PerceptualDistance,
    Vgg16Distance,
    load_extractor,
    lpips_weights,
    shrink,
    vgg16_file,
)
from tests.shared import SHARED, needs_shared


@pytest.fixture(scope="module")
def package() -> nn.Module:
    """The `lpips` package's own network over a backbone of random weights."""
    import lpips

    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):  # it calls torchvision in the way of long ago
        network: nn.Module = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()


@pytest.fixture(scope="module")
def backbone(package: nn.Module) -> dict[str, Tensor]:
    """The package's backbone by torchvision's names."""
    tensors = {}
    for name, value in package.get_submodule("net").state_dict().items():
        _, index, part = name.split(".")  # slice3.10.weight
        tensors[f"features.{index}.{part}"] = value
    return tensors


@pytest.fixture(scope="module")
def vgg16(backbone: dict[str, Tensor]) -> Vgg16Distance:
    return Vgg16Distance(backbone, lpips_weights())


@pytest.fixture(scope="module")
def embedded() -> EmbeddedDistance:
    return EmbeddedDistance()


def picture(*shape: int, seed: int = 0) -> Tensor:
    """Smooth blobs, in -1..1."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(shape[0], 3, 8, 8, generator=random)
    fine = torch.randn(shape[0], 3, 32, 32, generator=random)
    mixed = F.interpolate(coarse, shape[1:], mode="bicubic") + F.interpolate(fine, shape[1:], mode="bicubic") / 3
    return (mixed / 2).clamp(-1, 1)


@pytest.mark.parametrize("size", [(64, 64), (96, 64)])
def test_equals_the_lpips_package(package: nn.Module, vgg16: Vgg16Distance, size: tuple[int, int]) -> None:
    a, b = picture(2, *size), picture(2, *size, seed=1)
    expected = package(a, b).flatten()
    assert expected.min() > 0
    torch.testing.assert_close(vgg16(a, b), expected, atol=1e-5, rtol=1e-5)


def test_has_the_gradient_of_the_lpips_package(package: nn.Module, vgg16: Vgg16Distance) -> None:
    a, b = picture(1, 64, 64).requires_grad_(), picture(1, 64, 64, seed=1)
    (expected,) = torch.autograd.grad(package(a, b).sum(), a)
    (actual,) = torch.autograd.grad(vgg16(a, b).sum(), a)
    torch.testing.assert_close(actual, expected, atol=1e-4 * float(expected.abs().max()), rtol=1e-4)


def test_has_the_length_of_the_official_extractor(vgg16: Vgg16Distance) -> None:
    assert vgg16.features(picture(1, 256, 256)).shape == (1, 7_995_392)


def test_the_channel_weights_are_those_of_the_lpips_package(package: nn.Module) -> None:
    for layer, weight in enumerate(lpips_weights()):
        assert torch.equal(weight, package.get_submodule(f"lin{layer}").state_dict()["model.1.weight"].flatten())


@pytest.fixture(params=["vgg16", "embedded"])
def extractor(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_features_are_rows_whose_squared_distance_is_the_distance(extractor: PerceptualDistance) -> None:
    a, b = picture(2, 64, 64), picture(2, 64, 64, seed=1)
    features = extractor.features(a)
    assert features.shape[0] == 2 and features.dim() == 2
    expected = (features - extractor.features(b)).square().sum(dim=1)
    torch.testing.assert_close(extractor(a, b), expected)
    torch.testing.assert_close(extractor(a, a), torch.zeros(2))


def test_half_precision_finds_the_same_way_down(extractor: PerceptualDistance) -> None:
    a, b = picture(1, 96, 96), picture(1, 96, 96, seed=1)
    distances, slopes = [], []
    for dtype in (torch.float32, torch.bfloat16):
        x = a.clone().requires_grad_()
        distance = (extractor.features(x, dtype) - extractor.features(b, dtype)).square().sum()
        assert distance.dtype is torch.float32
        (slope,) = torch.autograd.grad(distance, x)
        distances.append(float(distance.detach()))
        slopes.append(slope.flatten())
    assert distances[1] == pytest.approx(distances[0], rel=0.03)
    assert F.cosine_similarity(slopes[0], slopes[1], dim=0) > 0.9


def test_pictures_are_shrunk_by_area_never_enlarged(embedded: EmbeddedDistance) -> None:
    large = picture(1, 320, 320)
    shrunk = F.interpolate(large, (256, 256), mode="area")
    torch.testing.assert_close(embedded.features(large), embedded.features(shrunk))
    assert torch.equal(shrink(large), shrunk)
    assert torch.equal(shrink(picture(1, 200, 256)), picture(1, 200, 256))


def test_is_frozen_and_differentiable_to_the_picture(extractor: PerceptualDistance) -> None:
    extractor.train()
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in extractor.parameters())
    a = picture(1, 64, 64).requires_grad_()
    extractor(a, picture(1, 64, 64, seed=1)).sum().backward()
    assert a.grad is not None and bool(a.grad.isfinite().all()) and float(a.grad.abs().max()) > 0


def test_an_even_picture_has_finite_gradients(extractor: PerceptualDistance) -> None:
    even = torch.full((1, 3, 64, 64), -1.0, requires_grad=True)
    extractor(even, picture(1, 64, 64)).sum().backward()
    assert even.grad is not None and bool(even.grad.isfinite().all())


def blurred(image: Tensor, sigma: float) -> Tensor:
    reach = int(3 * sigma) + 1
    taps = torch.tensor([exp(-(i**2) / (2 * sigma**2)) for i in range(-reach, reach + 1)])
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    padded = F.pad(image, [reach] * 4, mode="reflect")
    return F.conv2d(padded, kernel.expand(3, 1, *kernel.shape), groups=3)


DISTORTIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], tuple[float, ...]]] = {
    "blur": (blurred, (0.7, 1.5, 3.0)),
    "shift": (lambda image, pixels: image.roll(int(pixels), dims=3), (1, 2, 4)),
    "noise": (
        lambda image, s: image + s * torch.randn(image.shape, generator=torch.Generator().manual_seed(3)),
        (0.05, 0.15, 0.4),
    ),
    "brightness": (lambda image, shift: image + shift, (0.05, 0.15, 0.4)),
    "tint": (lambda image, shift: image + shift * torch.tensor([1.0, 0.0, -1.0])[:, None, None], (0.05, 0.15, 0.4)),
}


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_more_distortion_is_more_distance(embedded: EmbeddedDistance, kind: str) -> None:
    distort, strengths = DISTORTIONS[kind]
    image = picture(2, 96, 96) * 0.6
    distances = [embedded(image, distort(image, strength)).mean() for strength in strengths]
    assert 0 < distances[0] < distances[1] < distances[2]


@needs_shared
def test_distorted_faces_are_nearer_than_other_pets(embedded: EmbeddedDistance) -> None:
    """And the same error in pixels looks worse as blur than as another light: what plain pixels cannot tell."""
    import numpy as np
    from PIL import Image

    files = sorted((SHARED / "photos" / "pets").glob("*.jpg"))[::12]
    faces = [np.asarray(Image.open(file).convert("RGB").resize((96, 96))) for file in files]
    images = torch.tensor(np.stack(faces)).permute(0, 3, 1, 2) / 127.5 - 1
    features = embedded.features(images)
    others = torch.pdist(features).square().min()

    blur, light = blurred(images, 1.0), images * 0.9 - 0.1
    distance_blur, distance_light = embedded(images, blur), embedded(images, light)
    assert distance_blur.max() < others and distance_light.max() < others
    worse_in_pixels = (images - light).square().mean((1, 2, 3)) > (images - blur).square().mean((1, 2, 3))
    assert worse_in_pixels.any()
    assert (distance_light < distance_blur)[worse_in_pixels].all()


def test_the_embedded_extractor_serves_where_the_backbone_is_not_here(tmp_path: Path) -> None:
    assert load_extractor(tmp_path).name == "efficientnet-lite0"


def test_the_backbone_is_taken_where_it_is_here(
    tmp_path: Path, backbone: dict[str, Tensor], vgg16: Vgg16Distance
) -> None:
    vgg16_file(tmp_path).parent.mkdir()
    save_file(backbone, vgg16_file(tmp_path))
    extractor = load_extractor(tmp_path)
    assert extractor.name == "vgg16"
    image = picture(1, 64, 64)
    torch.testing.assert_close(extractor.features(image), vgg16.features(image))


def test_a_damaged_backbone_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    vgg16_file(tmp_path).parent.mkdir()
    vgg16_file(tmp_path).write_bytes(b"damaged")
    assert load_extractor(tmp_path).name == "efficientnet-lite0"
    assert "damaged" in caplog.text
