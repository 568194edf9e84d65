"""Storybook while it is trained: generator, encoder, the averages of both, and their checkpoints.

A checkpoint is a folder with the weights and `training.json`: the options, the photos' names, and how many pictures
were seen. Earlier checkpoints may have fewer layers, fewer channels, or one latent of a photo's own for all layers.
"""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.lab.drawn_pets.parameters import Z_DIM
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store import STORYBOOK

_WEIGHTS_FILE = "model.safetensors"
_FACTS_FILE = "training.json"


def network_config(resolution: int) -> GeneratorConfig:
    """Storybook's shape: wide where pictures are small, thin where they are large, for two cores."""
    return GeneratorConfig(
        z_dim=Z_DIM,
        w_dim=256,
        img_resolution=resolution,
        num_mapping_layers=2,
        channel_base=4096,
        channel_max=384,
        channel_min=32,
        conv_clamp=None,
    )


class StorybookModel(nn.Module):
    """Everything that learns, and its averages. `faces` is how many photos have latents of their own."""

    def __init__(self, resolution: int, faces: int) -> None:
        super().__init__()
        config = network_config(resolution)
        self.generator = Generator(config).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.encoder = Encoder(config.w_dim, config.num_ws)
        self.encoder_average = copy.deepcopy(self.encoder).requires_grad_(False)
        # What is added to the encoder's latents, for each photo as it is and mirrored.
        self.residuals = nn.Parameter(torch.zeros(2, faces, config.num_ws, config.w_dim))


def is_checkpoint(folder: Path) -> bool:
    return (folder / _WEIGHTS_FILE).exists()


def save_checkpoint(model: StorybookModel, facts: dict[str, Any], folder: Path) -> None:
    """Write a checkpoint; one that is there is replaced as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "model.tmp"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary)
    temporary.replace(folder / _WEIGHTS_FILE)
    (folder / _FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / _FACTS_FILE).read_text(encoding="utf-8"))
    return facts


def load_model(folder: Path) -> StorybookModel:
    """The frozen model of a checkpoint, to look at or to export."""
    facts = read_facts(folder)
    model = StorybookModel(int(facts["options"]["resolution"]), len(facts["photos"]))
    own = model.state_dict()
    model.load_state_dict(own | widened(load_state(folder, model.generator.config), own))
    return model.eval().requires_grad_(False)


def load_state(folder: Path, config: GeneratorConfig) -> dict[str, Tensor]:
    """A model's state from a checkpoint, or from an exported network, with `config.num_ws` layers.

    Missing layers become what the last one is. An exported network has averages alone; they stand for what they are
    averages of, and photos have no latents of their own.
    """
    if is_checkpoint(folder):
        return _with_layers(load_file(folder / _WEIGHTS_FILE), config)
    parts = {"generator": STORYBOOK, "average": STORYBOOK, "encoder": f"{STORYBOOK}.encoder"}
    parts["encoder_average"] = parts["encoder"]
    state = {
        f"{part}.{name}": value.float()
        for part, file in parts.items()
        for name, value in load_file(folder / f"{file}.safetensors").items()
    }
    return _with_layers(state, config)


def widened(state: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fit the state of a network with fewer channels to `own`, one that has more and begins by drawing the same.

    New channels stay as they are in `own`, but nothing looks at them yet.
    """
    result = dict(state)
    for name, values in state.items():
        if name in own and values.shape != own[name].shape:
            wide = own[name].clone()
            if values.dim() == 4:
                wide[:, values.shape[1] :] = 0
            # What makes colours divides by the root of the number of channels it looks at.
            gain = (wide.shape[1] / values.shape[1]) ** 0.5 if name.endswith("torgb.weight") else 1.0
            wide[tuple(slice(side) for side in values.shape)] = gain * values
            result[name] = wide
    return result


def _with_layers(state: dict[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """Fit the state of a network with fewer layers to one with more: these become what the last one was."""
    result = dict(state)
    if "residuals" in state:
        residuals = state["residuals"]
        layered = residuals if residuals.dim() == 4 else residuals[:, :, None]
        result["residuals"] = _extended(layered, 2, config.num_ws)
    for name, values in state.items():
        if ".apart.1." in name:
            layered = values.view(-1, config.w_dim, *values.shape[1:])
            result[name] = _extended(layered, 0, config.num_ws).flatten(0, 1)
    return result


def _extended(values: Tensor, dim: int, count: int) -> Tensor:
    """Extend dimension `dim` to `count` by repeating its last entry."""
    present = torch.arange(count, device=values.device).clamp(max=values.shape[dim] - 1)
    return values.index_select(dim, present)
