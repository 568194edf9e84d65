"""The lower bound: the mean young face of the species that is nearest, whoever asks.

younger(x) = E[young | s],  s = argmin ‖x - E[adult | s]‖²
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.lab.methods.datasets import ADULT, IS_CAT, YOUNG, PetPictures, as_floats
from engine.lab.methods.training_loop import MethodOptions, Model, Run

_SPECIES = 2  # dogs, cats


class MeanPicture(Model):
    """Two means a species."""

    adults: Tensor
    young: Tensor

    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        for name in ("adults", "young"):
            self.register_buffer(name, torch.zeros(_SPECIES, 3, options.resolution, options.resolution))

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        distances = (faces[:, None] - self.adults).square().sum(dim=(2, 3, 4))
        species = distances.argmin(dim=1)
        return torch.lerp(self.adults[species], self.young[species], age)


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Average the pictures of both ages, dogs and cats apart."""
    model = MeanPicture(options).to(pets.device)
    cats = IS_CAT[pets.breeds]
    for means, group in ((model.adults, ADULT), (model.young, YOUNG)):
        for species in range(_SPECIES):
            chosen = pets.pictures[(pets.groups == group) & (cats == bool(species))]
            # Of an animal that is no dog, or no cat, the other mean serves: it is nearest then, too.
            means[species] = as_floats(chosen).mean(dim=0) if len(chosen) else float("inf")
    Run(replace(options, steps=0), pets.shown, out).train(model, lambda _: {})
    return model
