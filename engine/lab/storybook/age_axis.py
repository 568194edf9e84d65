"""Finds the direction of younger in W: drawn pairs tell it, real young and adult faces correct it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.lab.annotations import AnnotatedPhoto
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets, to_z
from engine.lab.storybook.batches import sample_parameters
from engine.messages import Species
from engine.stylegan.age_vectors import corrected_age_vector
from engine.stylegan.generator import Generator
from engine.stylegan.store.statistics import describe

SPECIES = (Species.DOG, Species.CAT)  # in the order of their age vectors
MOST_PAIRS = 4.0  # of faces, as which a breed counts where real ones are compared
DRAWN_COUNT_AS = 40.0  # pairs of real faces, where both tell different things: drawn pets grow as 474 real faces do
_DRAWN_W = 512  # with those of photos, they tell in which components W is wide


@torch.no_grad()
def age_vectors(generator: Generator, seed: int, photos: Sequence[AnnotatedPhoto], latents: Tensor) -> Tensor:
    """The age vectors [2, w_dim] of dogs and cats that training follows: drawn ones, corrected by `photos`.

    `latents` [N, w_dim] are the encoder's of the photos, in the same order.
    """
    drawn = drawn_vectors(generator, seed)
    pets = sample_parameters(_DRAWN_W, torch.Generator().manual_seed(seed))
    w = generator.mapping(to_z(pets).to(latents))[:, 0]
    statistics = describe(torch.cat([w, latents]))
    corrections = age_corrections(drawn, photos, latents)
    return torch.stack([corrected_age_vector(*both, statistics) for both in zip(drawn, corrections, strict=True)])


def age_corrections(drawn: Tensor, photos: Sequence[AnnotatedPhoto], latents: Tensor) -> Tensor:
    """What is to be added to the age vectors [2, w_dim] of drawn dogs and cats, as far as real faces tell: [2, w_dim].

    It is the difference to that between real young and adult faces, smaller the fewer these are.
    """
    corrections = []
    for vector, species in zip(drawn, SPECIES, strict=True):
        difference, pairs = real_age_difference(photos, latents, species)
        corrections.append(pairs / (pairs + DRAWN_COUNT_AS) * (difference - vector))
    return torch.stack(corrections)


def real_age_difference(photos: Sequence[AnnotatedPhoto], latents: Tensor, species: Species) -> tuple[Tensor, float]:
    """Young minus adult [w_dim] of photos' latents [N, w_dim], and on how many pairs of faces it rests.

    Differences are taken within breeds, so that they are not those of the breeds with many young photos: Y young and A
    adults of one breed are worth YA / (Y + A) pairs, and no breed counts more than `MOST_PAIRS`.
    """
    differences, weights = [latents.new_zeros(latents.shape[1])], [0.0]
    of_breed: dict[str, list[int]] = {}
    for i, photo in enumerate(photos):
        if photo.species is species and photo.young is not None:
            of_breed.setdefault(photo.breed, []).append(i)
    for faces in of_breed.values():
        young, adult = ([i for i in faces if photos[i].young is age] for age in (True, False))
        if young and adult:
            differences.append(latents[young].mean(dim=0) - latents[adult].mean(dim=0))
            weights.append(min(len(young) * len(adult) / len(faces), MOST_PAIRS))
    pairs = sum(weights)
    shares = torch.tensor(weights).to(latents) / max(pairs, 1e-9)
    return (shares[:, None] * torch.stack(differences)).sum(dim=0), pairs


@torch.no_grad()
def drawn_vectors(generator: Generator, seed: int, pairs: int = 12) -> Tensor:
    """The mean of w(young) − w(adult) over drawn pairs of every breed: [2, w_dim], dogs and cats."""
    random = torch.Generator().manual_seed(seed)
    vectors = []
    for cat in (False, True):
        breeds = [name for name, breed in BREEDS.items() if breed.cat == cat] * pairs
        vectors.append(breed_vector(generator, breeds, random))
    return torch.stack(vectors)


@torch.no_grad()
def breed_vector(generator: Generator, breeds: list[str], random: torch.Generator) -> Tensor:
    """The mean of w(young) − w(adult) over one drawn pair for each name: [w_dim]."""
    pets = sample_pets(breeds, random)
    pairs = torch.cat([pets, at_age(pets, breeds, torch.ones(len(breeds)))])
    w = generator.mapping(to_z(pairs).to(generator.mapping.w_avg))[:, 0]
    adult, young = w.chunk(2)
    difference: Tensor = (young - adult).mean(dim=0)
    return difference
