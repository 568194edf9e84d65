"""The parameters of a drawn pet, what each breed looks like, and what age does to it.

A pet is a row of `len(PARAMETERS)` numbers. Lengths are in eye distances of the aligned face, colours in 0..1.
`age` is 0 for an adult and 1 for eight weeks old. How shapes, eyes and fur change with it was measured on real animals
(`engine.lab.drawn_pets.pet_growth`); so the mean adult has about the proportions of the adults that were marked. Here
are only the coats that breeds have when they are young, by what is written of them, their colours chosen by eye.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.growth.detail import younger_share

Z_DIM = 64

# Name: (mean, spread). Spread is what a unit of z means, and how far pets of no particular breed vary.
PARAMETERS: dict[str, tuple[float, float]] = {
    "age": (0.4, 0.4),
    "cat": (0.0, 1.0),  # below 0 a dog, above a cat
    "yaw": (0.0, 0.16),
    "pitch": (0.0, 0.08),
    "head_width": (1.12, 0.12),
    "forehead": (0.98, 0.1),
    "jaw": (1.25, 0.14),
    "squareness": (2.3, 0.25),
    "muzzle_length": (0.86, 0.14),
    "muzzle_width": (0.5, 0.08),
    "eye_size": (0.145, 0.02),
    "eye_red": (0.3, 0.15),
    "eye_green": (0.2, 0.13),
    "eye_blue": (0.1, 0.1),
    "lid": (0.12, 0.1),
    "ear_erect": (0.0, 0.8),  # 1 stands, -1 hangs
    "ear_size": (1.0, 0.18),
    "ear_width": (0.5, 0.09),
    "ear_dark": (0.1, 0.2),
    "coat_red": (0.6, 0.22),
    "coat_green": (0.48, 0.19),
    "coat_blue": (0.35, 0.17),
    "second_red": (0.8, 0.16),
    "second_green": (0.74, 0.17),
    "second_blue": (0.66, 0.18),
    "mask": (0.1, 0.25),  # dark muzzle
    "blaze": (0.1, 0.28),  # second colour between the eyes
    "bib": (0.3, 0.35),  # second colour on muzzle, cheeks and chest
    "patch": (0.0, 0.3),  # second colour around one eye and ear
    "brows": (0.0, 0.22),  # tan points above the eyes
    "points": (0.0, 0.18),  # dark face and ears of a Siamese
    "stripes": (0.1, 0.22),
    "stripe_phase": (0.0, 0.5),
    "cap": (0.0, 0.25),  # dark upper head of a husky or a black-and-tan
    "fur_length": (0.5, 0.25),
    "curl": (0.1, 0.25),
    "fur_contrast": (0.5, 0.18),
    "nose_size": (0.24, 0.03),
    "nose_pink": (0.1, 0.2),
    "tongue": (-0.2, 0.5),
    "collar": (-0.3, 0.6),
    "collar_red": (0.5, 0.25),
    "collar_green": (0.3, 0.2),
    "collar_blue": (0.35, 0.25),
    "light_x": (0.0, 0.5),
    "light_y": (-0.4, 0.3),
    "exposure": (1.0, 0.1),
    "warmth": (0.0, 0.05),
    "top_red": (0.5, 0.22),
    "top_green": (0.54, 0.2),
    "top_blue": (0.5, 0.22),
    "bottom_red": (0.44, 0.2),
    "bottom_green": (0.44, 0.18),
    "bottom_blue": (0.36, 0.18),
    "blobs": (0.3, 0.22),
    "blob_x": (0.0, 1.0),
    "blob_y": (0.0, 1.0),
    "body_width": (1.35, 0.2),
    "ear_spread": (0.78, 0.08),
    "cheeks": (0.15, 0.12),  # tufts beside the jaw
}
NAMES = tuple(PARAMETERS)
INDEX = {name: i for i, name in enumerate(NAMES)}
MEANS = torch.tensor([mean for mean, _ in PARAMETERS.values()])
SPREADS = torch.tensor([spread for _, spread in PARAMETERS.values()])

Look = dict[str, float]


@dataclass(frozen=True, slots=True)
class DrawnBreed:
    """Where the parameters of a breed differ from the mean pet, and those of its young ones from its own."""

    cat: bool
    look: Look
    young: Look = field(default_factory=dict)  # parameters that are different at eight weeks

    @property
    def young_coat(self) -> bool:
        """Whether its young ones have a coat of another colour."""
        return bool(self.young)


def _coat(red: float, green: float, blue: float) -> Look:
    return {"coat_red": red, "coat_green": green, "coat_blue": blue}


def _second(red: float, green: float, blue: float) -> Look:
    return {"second_red": red, "second_green": green, "second_blue": blue}


_WHITE = _second(0.93, 0.91, 0.88)
_CREAM = _second(0.88, 0.8, 0.67)
_TAN = _second(0.72, 0.47, 0.24)
_PLAIN = {"mask": 0.0, "blaze": 0.0, "bib": 0.0, "patch": 0.0, "brows": 0.0, "points": 0.0, "stripes": 0.0, "cap": 0.0}
_DARK_EYES = {"eye_red": 0.2, "eye_green": 0.12, "eye_blue": 0.07}
_DOG = _PLAIN | _DARK_EYES
_CAT = (
    _PLAIN
    | {"ear_erect": 1.0, "ear_size": 1.02, "ear_width": 0.66, "eye_size": 0.21, "eye_red": 0.55, "eye_green": 0.52}
    | {
        "eye_blue": 0.22,
        "muzzle_length": 0.62,
        "muzzle_width": 0.36,
        "nose_size": 0.175,
        "nose_pink": 0.6,
        "tongue": -0.8,
    }
    | {
        "jaw": 1.08,
        "head_width": 1.26,
        "lid": 0.1,
        "ear_spread": 0.82,
        "curl": 0.0,
        "forehead": 1.0,
        "squareness": 2.2,
    }
)

BREEDS: dict[str, DrawnBreed] = {
    "bichon_frise": DrawnBreed(
        False,
        _DOG | _coat(0.95, 0.94, 0.91) | _WHITE
        | {"ear_erect": -0.6, "fur_length": 0.9, "curl": 0.8, "head_width": 1.4, "forehead": 1.25, "cheeks": 0.35},
    ),
    "shiba_inu": DrawnBreed(
        False,
        _DOG | _coat(0.8, 0.52, 0.28) | _CREAM
        | {"ear_erect": 1.0, "ear_size": 0.95, "bib": 0.9, "brows": 0.4, "fur_length": 0.35, "cheeks": 0.2, "lid": 0.2},
        _coat(0.66, 0.47, 0.31) | {"mask": 0.6},
    ),
    "yorkshire_terrier": DrawnBreed(
        False,
        _DOG | _coat(0.45, 0.45, 0.5) | _TAN
        | {"ear_erect": 0.8, "ear_size": 0.95, "bib": 1.0, "blaze": 0.4, "fur_length": 1.0, "muzzle_length": 0.72},
        _coat(0.14, 0.15, 0.18) | {"brows": 0.5, "bib": 0.7, "blaze": 0.0},
    ),
    "samoyed": DrawnBreed(
        False,
        _DOG | _coat(0.96, 0.95, 0.92) | _WHITE
        | {"ear_erect": 1.0, "ear_size": 0.85, "fur_length": 0.9, "head_width": 1.35, "cheeks": 0.4, "tongue": 0.3},
    ),
    "golden_retriever": DrawnBreed(
        False,
        _DOG | _coat(0.83, 0.62, 0.37) | _CREAM
        | {"ear_erect": -1.0, "ear_size": 1.05, "ear_dark": 0.25, "fur_length": 0.6}
        | {"muzzle_length": 0.98, "muzzle_width": 0.55},
        _coat(0.9, 0.78, 0.58),
    ),
    "poodle": DrawnBreed(
        False,
        _DOG | _coat(0.62, 0.43, 0.27) | _second(0.66, 0.47, 0.31)
        | {"ear_erect": -1.0, "ear_size": 1.2, "fur_length": 0.85, "curl": 1.0, "forehead": 1.3, "muzzle_width": 0.42},
        _coat(0.53, 0.34, 0.2),
    ),
    "welsh_corgi": DrawnBreed(
        False,
        _DOG | _coat(0.79, 0.51, 0.27) | _WHITE
        | {"ear_erect": 1.0, "ear_size": 1.25, "ear_width": 0.55, "bib": 0.85, "blaze": 0.7, "muzzle_length": 0.92},
        _coat(0.6, 0.42, 0.28),
    ),
    "maltese": DrawnBreed(
        False,
        _DOG | _coat(0.95, 0.94, 0.92) | _WHITE
        | {"ear_erect": -0.9, "ear_size": 1.1, "fur_length": 1.0, "curl": 0.1, "muzzle_length": 0.7, "eye_size": 0.155},
    ),
    "labrador_retriever": DrawnBreed(
        False,
        _DOG | _coat(0.8, 0.65, 0.44) | _CREAM
        | {"ear_erect": -0.9, "fur_length": 0.15, "muzzle_length": 1.0, "muzzle_width": 0.58, "ear_size": 0.9},
        _coat(0.88, 0.77, 0.58),
    ),
    "black_labrador": DrawnBreed(
        False,
        _DOG | _coat(0.12, 0.11, 0.12) | _second(0.15, 0.14, 0.15)
        | {"ear_erect": -0.9, "fur_length": 0.15, "muzzle_length": 1.0, "muzzle_width": 0.58, "ear_size": 0.9},
    ),
    "beagle": DrawnBreed(
        False,
        _DOG | _coat(0.62, 0.4, 0.22) | _WHITE
        | {"ear_erect": -1.0, "ear_size": 1.2, "bib": 0.9, "blaze": 0.8, "fur_length": 0.15, "ear_dark": 0.2},
        _coat(0.42, 0.28, 0.18),
    ),
    "pug": DrawnBreed(
        False,
        _DOG | _coat(0.82, 0.68, 0.5) | _CREAM
        | {"mask": 1.0, "ear_erect": -0.3, "ear_size": 0.65, "ear_dark": 0.9, "muzzle_length": 0.52, "eye_size": 0.19}
        | {"muzzle_width": 0.68, "head_width": 1.32, "fur_length": 0.1},
    ),
    "chihuahua": DrawnBreed(
        False,
        _DOG | _coat(0.78, 0.6, 0.4) | _CREAM
        | {"ear_erect": 1.0, "ear_size": 1.35, "ear_width": 0.62, "eye_size": 0.18}
        | {"muzzle_length": 0.7, "muzzle_width": 0.38},
    ),
    "dachshund": DrawnBreed(
        False,
        _DOG | _coat(0.2, 0.13, 0.1) | _TAN
        | {"ear_erect": -1.0, "ear_size": 1.25, "bib": 0.6, "brows": 0.9, "muzzle_length": 1.08, "muzzle_width": 0.42}
        | {"head_width": 1.02, "forehead": 0.92, "fur_length": 0.12},
    ),
    "siberian_husky": DrawnBreed(
        False,
        _DOG | _coat(0.4, 0.4, 0.42) | _WHITE
        | {"ear_erect": 1.0, "ear_size": 0.95, "bib": 1.0, "blaze": 0.6, "cap": 0.7, "brows": 0.6, "fur_length": 0.6}
        | {"eye_red": 0.5, "eye_green": 0.66, "eye_blue": 0.8},
        _coat(0.26, 0.25, 0.27),
    ),
    "german_shepherd": DrawnBreed(
        False,
        _DOG | _coat(0.64, 0.45, 0.27) | _TAN
        | {"ear_erect": 1.0, "ear_size": 1.3, "mask": 0.9, "cap": 0.5, "muzzle_length": 1.08, "fur_length": 0.45},
        _coat(0.54, 0.38, 0.23) | {"mask": 1.2, "cap": 1.0},
    ),
    "boxer": DrawnBreed(
        False,
        _DOG | _coat(0.66, 0.43, 0.25) | _WHITE
        | {"ear_erect": -0.7, "mask": 0.9, "blaze": 0.4, "fur_length": 0.08}
        | {"muzzle_length": 0.72, "muzzle_width": 0.7},
    ),
    "bulldog": DrawnBreed(
        False,
        _DOG | _coat(0.72, 0.52, 0.35) | _WHITE
        | {"ear_erect": -0.5, "ear_size": 0.6, "bib": 0.8, "blaze": 0.9, "patch": 0.5, "muzzle_width": 0.7}
        | {"head_width": 1.4, "fur_length": 0.08},
    ),
    "tabby": DrawnBreed(
        True,
        _CAT | _coat(0.5, 0.42, 0.33) | _second(0.76, 0.68, 0.58)
        | {"stripes": 0.9, "bib": 0.5, "fur_length": 0.35},
    ),
    "domestic_shorthair": DrawnBreed(
        True, _CAT | _coat(0.82, 0.54, 0.3) | _CREAM | {"stripes": 0.6, "bib": 0.5, "fur_length": 0.35}
    ),
    "siamese": DrawnBreed(
        True,
        _CAT | _coat(0.86, 0.8, 0.7) | _CREAM
        | {"points": 1.0, "eye_red": 0.35, "eye_green": 0.55, "eye_blue": 0.85, "fur_length": 0.15, "ear_size": 1.3},
        {"points": 0.64},  # paler, as in `engine.growth.coat`
    ),
    "persian": DrawnBreed(
        True,
        _CAT | _coat(0.87, 0.83, 0.78) | _WHITE
        | {"fur_length": 1.0, "muzzle_length": 0.46, "head_width": 1.45, "cheeks": 0.45}
        | {"ear_size": 0.75, "eye_size": 0.23},
    ),
    "black_cat": DrawnBreed(
        True, _CAT | _coat(0.1, 0.1, 0.11) | _second(0.12, 0.12, 0.13) | {"nose_pink": 0.0, "fur_length": 0.3}
    ),
    "tuxedo": DrawnBreed(
        True, _CAT | _coat(0.12, 0.12, 0.13) | _WHITE | {"bib": 1.0, "blaze": 0.7, "fur_length": 0.35}
    ),
    "calico": DrawnBreed(
        True, _CAT | _coat(0.78, 0.5, 0.26) | _WHITE | {"bib": 0.9, "patch": 1.0, "cap": 0.6, "fur_length": 0.35}
    ),
    "russian_blue": DrawnBreed(
        True, _CAT | _coat(0.47, 0.48, 0.52) | _second(0.52, 0.53, 0.57) | {"head_width": 1.36, "nose_pink": 0.2}
    ),
    "bengal": DrawnBreed(
        True,
        _CAT | _coat(0.7, 0.5, 0.3) | _CREAM
        | {"stripes": 1.2, "bib": 0.6, "fur_length": 0.15, "stripe_phase": 0.8},
    ),
    "sphynx": DrawnBreed(
        True,
        _CAT | _coat(0.84, 0.67, 0.6) | _second(0.86, 0.7, 0.63)
        | {"fur_length": 0.0, "fur_contrast": 0.1, "ear_size": 1.08, "ear_width": 0.78, "lid": 0.2},
    ),
}  # fmt: skip

_OF_THE_PICTURE = frozenset(
    name
    for name in NAMES
    if name.split("_")[0] in {"light", "exposure", "warmth", "top", "bottom", "blobs", "blob", "collar"}
) | {"yaw", "pitch", "tongue", "body_width", "stripe_phase", "lid"}


def sample_pets(breeds: list[str], generator: torch.Generator) -> Tensor:
    """One adult (age 0) of each named breed: parameters [N, P]."""
    noise = torch.randn(len(breeds), len(NAMES), generator=generator).clamp(-2.2, 2.2)
    for name in NAMES:
        # The parts of a colour go together: light and dark vary more than hue.
        if name.endswith("_red"):
            triple = [INDEX[name.replace("_red", part)] for part in ("_red", "_green", "_blue")]
            common = torch.randn(len(breeds), 1, generator=generator).clamp(-2, 2)
            noise[:, triple] = 0.9 * common + 0.3 * noise[:, triple]
    rows = []
    for row, name in zip(noise, breeds, strict=True):
        breed = BREEDS[name]
        mean = MEANS.clone()
        # What belongs to the breed varies little around its look; what belongs to the picture varies freely.
        spread = torch.tensor([1.0 if parameter in _OF_THE_PICTURE else 0.3 for parameter in NAMES])
        for parameter, value in breed.look.items():
            mean[INDEX[parameter]] = value
        pet = mean + row * SPREADS * spread
        pet[INDEX["cat"]] = 1.0 if breed.cat else -1.0
        pet[INDEX["age"]] = 0.0
        rows.append(pet)
    return torch.stack(rows)


def at_age(pets: Tensor, breeds: list[str], ages: Tensor) -> Tensor:
    """The same pets [N, P] at other ages [N]; a coat that its breed changes with age changes too."""
    pets, shares = pets.clone(), younger_share(ages).tolist()
    pets[:, INDEX["age"]] = ages
    for i, name in enumerate(breeds):
        for parameter, value in BREEDS[name].young.items():
            column = INDEX[parameter]
            shift = value - BREEDS[name].look.get(parameter, PARAMETERS[parameter][0])
            pets[i, column] += shares[i] * shift
    return pets


def to_z(pets: Tensor) -> Tensor:
    """Parameters [N, P] as input of the mapping network [N, Z_DIM], near a standard normal."""
    z = (pets - MEANS.to(pets)) / SPREADS.to(pets)
    # The mapping network normalises the length of z: constants at the end keep that from mixing the parameters much.
    constant = torch.full((len(pets), Z_DIM - len(NAMES)), 2.0).to(pets)
    return torch.cat([z, constant], dim=1)
