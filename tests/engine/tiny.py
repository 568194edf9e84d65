"""A tiny random network, and drawn pets to show it: the engine's whole way in seconds."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.messages import Species
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store import NetworkRecord, write_network
from engine.vision.alignment import FaceTemplate

NAME = "tiny"
CONFIG = GeneratorConfig(
    z_dim=8, c_dim=0, w_dim=8, img_resolution=16, num_mapping_layers=2, channel_base=128, channel_max=8, conv_clamp=256
)


def store_tiny_network(home: Path, seed: int = 0) -> None:
    """Store the network with age vectors for both species under this data folder."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = Generator(CONFIG).eval().requires_grad_(False)
        ages = {species.value: 0.3 * torch.randn(CONFIG.num_ws, CONFIG.w_dim) for species in Species}
    folder = home / "networks" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    write_network(folder, NetworkRecord(NAME, FaceTemplate.STORYBOOK, (), "MIT", "random", generator.config), generator)
    save_file(ages, folder / f"{NAME}.ages.safetensors")


def drawn_photo(breed: str = "samoyed", seed: int = 0, side: int = 256) -> bytes:
    """A PNG of a drawn pet's face."""
    pets = sample_pets([breed], torch.Generator().manual_seed(seed))
    pixels = (render(pets, side)[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5
    stream = io.BytesIO()
    Image.fromarray(pixels.numpy().astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
