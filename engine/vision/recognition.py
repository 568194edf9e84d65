"""Recognises the pet in a photo, its species and breed, and where heads are.

EfficientNet-Lite0's thousand ImageNet classes include 118 kinds of dogs, five of cats, and much that is neither. The
rows of its classifier for pets are replaced by rows trained further on annotated photos, and rows for breeds without a
class are added (`engine.lab.recogniser.breed_training`); the other rows stay. So one softmax gives the probability of
each breed and of no pet at all. It looks at the whole photo and at the most prominent head, near and from a little
farther; when there are several heads, at each of them by itself too.
"""

import json
from dataclasses import dataclass
from functools import cache

import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from engine.breeds import BREEDS
from engine.messages import BreedGuess, Head, HeadGuess, Species
from engine.vision.efficientnet import CLASSES, WEIGHTS, load_efficientnet
from engine.vision.face_detection import Face, find_faces, to_tensor
from engine.vision.geometry import centre, fitted, head_size, resample, similarity

LOOK_SIDE = 224  # px of the pictures that EfficientNet-Lite0 was trained on
HEAD_ROOMS = (1.35, 2.2)  # sides of the looks at a head over its size: the face, and the face with neck and chest

# Mean probability of all breeds together from which it is a pet. 99 % of the kept photos have more than 0.6, and nearly
# all of them more than 0.4 when darkened, turned or shrunk; people, streets, things and other animals have less than
# 0.2, great cats close by up to 0.33 and more.
PET_FROM = 0.36

# Mean probability of the looks at one of several heads from which it is a pet's. All pets' heads had more than 0.6, and
# no person's, lion's or quokka's more than 0.2.
HEAD_FROM = 0.3

_LEAST_BREED_PROBABILITY = 0.01  # less likely breeds are not told
_MOST_BREEDS = 10  # that are told


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a photo shows. Breeds most likely first; faces most prominent first, in photo pixels.

    `guesses` has one for each face when there are several pets, else it is empty.
    """

    pet: bool
    pet_probability: float
    species: Species | None
    breeds: tuple[BreedGuess, ...]
    faces: tuple[Face, ...]
    guesses: tuple[HeadGuess, ...] = ()

    @property
    def heads(self) -> tuple[Head, ...]:
        return tuple(face.head for face in self.faces)


@dataclass(frozen=True, slots=True, eq=False)
class BreedRows:
    """The classifier's rows for pets: `weight` [R, 1280], `bias` [R]; `breeds[r]` is the slug of row r's breed."""

    weight: Tensor
    bias: Tensor
    breeds: tuple[str, ...]


@torch.inference_mode()
def recognise(image: Image.Image) -> Recognised:
    """Recognise the pets in an upright RGB photo. `species` and `breeds` are given for a pet only."""
    faces, seen = _of_pets(image, find_faces(image))
    looks = [look_at_whole(image)]
    if faces:
        looks += look_at_head(image, faces[0].head)
    chances = _by_breed(_chances(looks))  # what they lack to one is that of no pet
    pet = sum(chances.values())
    if pet < PET_FROM:
        return Recognised(False, pet, None, (), tuple(faces))
    guess = _guess(chances)
    guesses = tuple(_guess(_by_breed(one)) for one in seen) if len(faces) > 1 else ()
    return Recognised(True, pet, guess.species, guess.breeds, tuple(faces), guesses)


def _guess(chances: dict[str, float]) -> HeadGuess:
    """The likelier species, and the probabilities of its breeds among themselves."""
    of_species = {s: sum(p for slug, p in chances.items() if BREEDS[slug].species is s) for s in Species}
    species = max(of_species, key=lambda s: of_species[s])
    guesses = sorted(
        (BreedGuess(slug, p / of_species[species]) for slug, p in chances.items() if BREEDS[slug].species is species),
        key=lambda guess: guess.probability,
        reverse=True,
    )
    kept = tuple(guess for guess in guesses[:_MOST_BREEDS] if guess.probability >= _LEAST_BREED_PROBABILITY)
    return HeadGuess(species, kept or tuple(guesses[:1]))


def _of_pets(image: Image.Image, faces: list[Face]) -> tuple[list[Face], list[Tensor]]:
    """The faces without those of people and other animals; all of them when none is a pet's.

    When there are several, the probabilities [L, R] that the looks at each give to each row, too. The landmark net
    takes most faces for a pet's head, and the classifier knows better.
    """
    if len(faces) < 2:
        return faces, []
    looks = [look for face in faces for look in look_at_head(image, face.head)]
    seen = _chances(looks).view(len(faces), len(HEAD_ROOMS), -1)
    certain = [one for one, chance in enumerate(seen.sum(2).mean(1).tolist()) if chance >= HEAD_FROM]
    kept = certain or range(len(faces))
    return [faces[one] for one in kept], [seen[one] for one in kept]


def look_at_whole(image: Image.Image) -> Image.Image:
    """The whole photo fitted into a square of LOOK_SIDE pixels."""
    return resample(image, fitted(image.size, LOOK_SIDE), LOOK_SIDE)


def look_at_head(image: Image.Image, head: Head) -> list[Image.Image]:
    """Squares of LOOK_SIDE pixels around the head, near and from a little farther."""
    middle, target = centre(head), (LOOK_SIDE / 2, LOOK_SIDE / 2)
    scales = [LOOK_SIDE / (room * head_size(head)) for room in HEAD_ROOMS]
    return [resample(image, similarity(middle, 0.0, scale, target), LOOK_SIDE) for scale in scales]


def _by_breed(seen: Tensor) -> dict[str, float]:
    """The mean probability of each breed, from the probabilities [L, R] that looks give to each row."""
    summed: dict[str, float] = {}
    for slug, chance in zip(load_breed_rows().breeds, seen.mean(0).tolist(), strict=True):
        summed[slug] = summed.get(slug, 0.0) + chance
    return summed


def _chances(looks: list[Image.Image]) -> Tensor:
    """[N, R]: the probability that each look gives to each row."""
    backbone, rows = load_efficientnet(), load_breed_rows()
    pooled = backbone.pooled(backbone.features(to_tensor(looks))[-1])
    return row_chances(pooled, backbone.logits(pooled), rows.weight, rows.bias)


def row_chances(pooled: Tensor, imagenet: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Probabilities of the pets' rows among these and ImageNet's classes that are no pets.

    `pooled` [N, 1280], `imagenet` logits [N, 1000], `weight` [R, 1280], `bias` [R] → [N, R].
    """
    others = imagenet[:, other_classes()]
    return torch.cat([pooled @ weight.T + bias, others], 1).softmax(1)[:, : len(bias)]


@cache
def other_classes() -> list[int]:
    """ImageNet's classes that are no breed of pets."""
    pets = {index for breed in BREEDS.values() for index in breed.imagenet}
    return [index for index in range(CLASSES) if index not in pets]


@cache
def load_breed_rows() -> BreedRows:
    """The rows that come with this package, loaded once a process."""
    with safe_open(WEIGHTS / "breeds.safetensors", framework="pt") as stored:
        breeds = tuple(json.loads(stored.metadata()["breeds"]))
        return BreedRows(stored.get_tensor("weight").float(), stored.get_tensor("bias").float(), breeds)
