"""States of portraits survive their bytes, whatever the network was changed with."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import Tensor

from engine.errors import EngineFault
from engine.inversion.state import InvertedPhoto, PortraitState
from engine.messages import BreedGuess, Head, Species
from engine.stylegan.generator import Adjustments, GeneratorConfig, LowRank

CONFIG = GeneratorConfig(
    z_dim=8, c_dim=0, w_dim=8, img_resolution=16, num_mapping_layers=2, channel_base=64, channel_max=8, conv_clamp=256
)


def adjustments(seed: int) -> Adjustments:
    random = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random).half().float()  # half precision is what is kept

    return Adjustments(
        styles={"b8.conv1": some(8)},
        noises={"b16.conv1": some(16, 16)},
        weights={"b8.conv0": LowRank(down=some(2, 8, 3, 3), up=some(8, 2))},
    )


def inverted(seed: int) -> InvertedPhoto:
    head = Head((1.0, 2.0, 30.0, 40.0), (5.0, 6.0), None, (7.0, 8.5), 0.75) if seed else None
    ws = torch.randn(1, CONFIG.num_ws, CONFIG.w_dim, generator=torch.Generator().manual_seed(seed))
    return InvertedPhoto(b"\xff\xd8photo", head, ws, adjustments(seed), 0.125, 100)


def state(baby: InvertedPhoto | None = None) -> PortraitState:
    guesses = (BreedGuess("samoyed", 0.75), BreedGuess("pomeranian", 0.125))
    return PortraitState("storybook", "ab12", Species.DOG, "samoyed", guesses, inverted(1), baby)


def plain(value: PortraitState | InvertedPhoto) -> str:
    """Everything in it, to compare."""
    return json.dumps(
        asdict(value), sort_keys=True, default=lambda one: one.tolist() if hasattr(one, "tolist") else str(one)
    )


@pytest.mark.parametrize("baby", [None, inverted(2)], ids=["one photo", "with a baby photo"])
def test_a_state_survives_its_bytes(baby: InvertedPhoto | None) -> None:
    assert plain(PortraitState.from_bytes(state(baby).to_bytes())) == plain(state(baby))


def test_an_inverted_photo_survives_its_bytes() -> None:
    assert plain(InvertedPhoto.from_bytes(inverted(0).to_bytes())) == plain(inverted(0))


def test_damaged_states_are_refused() -> None:
    data = state(inverted(2)).to_bytes()
    for damaged in (b"", b"latent", data[:-1], data[:100], b"\xff" * 100, data.replace(b"pet.ws", b"pet.wx", 1)):
        with pytest.raises(EngineFault, match="damaged latent"):
            PortraitState.from_bytes(damaged)
    with pytest.raises(EngineFault, match="another version"):
        PortraitState.from_bytes(data.replace(b'"format": 1', b'"format": 9'))
