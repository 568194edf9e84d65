"""Drawn rabbits: an animal the product does not know, to show what another animal takes.

They are drawn with the parameters of drawn pets: long standing ears, a narrow muzzle, large dark eyes, and the coats
that rabbits have. What age does to a rabbit's head beyond the growth that dogs and cats share is one fact: a kit's ears
are short (they grow faster than the head until about three months).
"""

import torch
from torch import Tensor

from engine.lab.drawn_pets.parameters import INDEX, SPREADS, Look, at_age, sample_pets

_BASE = "black_cat"  # a breed whose coat does not change with age
_LOOK: Look = {
    "ear_erect": 1.0,
    "ear_size": 1.75,
    "ear_width": 0.36,
    "ear_spread": 0.5,
    "muzzle_length": 0.66,
    "muzzle_width": 0.4,
    "head_width": 1.0,
    "forehead": 0.8,
    "jaw": 1.15,
    "cheeks": 0.3,
    "eye_size": 0.2,
    "eye_red": 0.16,
    "eye_green": 0.09,
    "eye_blue": 0.06,
    "nose_size": 0.1,
    "nose_pink": 0.8,
    "fur_length": 0.45,
    "bib": 0.4,
    "second_red": 0.9,
    "second_green": 0.87,
    "second_blue": 0.82,
}
# Agouti, white, grey, fawn, black.
_COATS = ((0.5, 0.4, 0.3), (0.93, 0.91, 0.89), (0.5, 0.5, 0.52), (0.8, 0.6, 0.38), (0.14, 0.13, 0.13))
_KITS_EARS = -0.75  # what a kit's ears lack, in eye distances
_OWN_SPREAD = 0.3  # of a parameter's usual spread: what belongs to the animal varies little


def sample_rabbits(count: int, random: torch.Generator) -> Tensor:
    """Parameters [N, P] of adult rabbits; the coats take turns."""
    pets = sample_pets([_BASE] * count, random)
    noise = torch.randn(count, len(_LOOK) + 3, generator=random).clamp(-2, 2) * _OWN_SPREAD
    for column, (name, value) in enumerate(_LOOK.items()):
        pets[:, INDEX[name]] = value + noise[:, column] * SPREADS[INDEX[name]]
    coats = torch.tensor(_COATS)[torch.arange(count) % len(_COATS)]
    for column, part in enumerate(("red", "green", "blue")):
        pets[:, INDEX[f"coat_{part}"]] = coats[:, column] + 0.1 * noise[:, -1]  # lighter or darker as a whole
    return pets


def rabbits_at_age(pets: Tensor, age: float) -> Tensor:
    """The same rabbits at another age: 0 adult, 1 a kit."""
    grown = at_age(pets, [_BASE] * len(pets), torch.full((len(pets),), age))
    grown[:, INDEX["ear_size"]] += _KITS_EARS * age
    return grown
