"""Writes a training checkpoint as the embedded network: float16 weights, statistics, age vectors and encoder."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from engine.breeds import BREEDS as KNOWN_BREEDS
from engine.lab.annotations import AnnotatedPhoto
from engine.lab.drawn_pets.parameters import BREEDS, to_z
from engine.lab.storybook.batches import age_vectors, breed_vector, sample_parameters
from engine.lab.storybook.face_dataset import open_dataset
from engine.lab.storybook.storybook_model import load_model
from engine.messages import Species
from engine.stylegan.age_vectors import corrected_age_vector
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator
from engine.stylegan.store import EMBEDDED, STORYBOOK, NetworkRecord, write_network
from engine.stylegan.store.statistics import WStatistics, describe
from engine.vision.alignment import FaceTemplate

LICENCE = (
    "CC BY-SA 4.0. Trained on pictures drawn by this project and on photos, most of them from the Oxford-IIIT Pet "
    "data set (CC BY-SA 4.0) and Unsplash; see the model card beside the weights."
)
BREED_PAIRS = 64  # drawn pairs whose mean is a breed's vector
MOST_PAIRS = 4.0  # of faces, as which a breed counts where real ones are compared
DRAWN_COUNT_AS = 10.0  # pairs of real faces, where both say different things
OWN_SHARE = 0.8  # of the difference between a breed's drawn vector and its species' mean; 0 would be the mean


def export(checkpoint: Path, photos: list[AnnotatedPhoto], out: Path = EMBEDDED) -> None:
    """Write the embedded network's files; the latents of `photos` count for the statistics of w and the age vectors."""
    model = load_model(checkpoint)
    generator, encoder = model.average, model.encoder_average
    drawn = generator.mapping(to_z(sample_parameters(4000, torch.Generator().manual_seed(3))))[:, 0]
    latents = _photo_latents(encoder, photos)
    statistics = describe(torch.cat([drawn, latents]))
    generator.mapping.w_avg.copy_(statistics.mean)
    out.mkdir(parents=True, exist_ok=True)
    kind = FaceTemplate.STORYBOOK, tuple(Species)
    write_network(
        out,
        NetworkRecord(STORYBOOK, *kind, LICENCE, "engine/lab/storybook", generator.config),
        generator,
        dtype=torch.float16,
        statistics=statistics,
        extras={
            "encoder": {key: value.half() for key, value in encoder.state_dict().items()},
            "ages": corrected_age_vectors(generator, statistics, photos, latents),
        },
    )


def corrected_age_vectors(
    generator: Generator, statistics: WStatistics, photos: list[AnnotatedPhoto], latents: Tensor
) -> dict[str, Tensor]:
    """The age vectors of drawn pairs, of all breeds of a species moved towards what real faces say.

    The encoder's `latents` [N, w_dim] of young and adult `photos` differ by `real_age_difference`. What that says
    besides the mean drawn vector is added in the widest components of W, by a share that grows with the number of
    faces. The committed weights rest on the young faces that the model card counts.
    """
    vectors = drawn_age_vectors(generator)
    corrected = {}
    for species in Species:
        difference, pairs = real_age_difference(photos, latents, species)
        correction = difference - vectors[species.value][0]
        share = pairs / (pairs + DRAWN_COUNT_AS)
        for name, vector in vectors.items():
            if name == species.value or (name in BREEDS and BREEDS[name].cat == (species is Species.CAT)):
                corrected[name] = corrected_age_vector(vector, correction, statistics, share)
    return corrected


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


def drawn_age_vectors(generator: Generator) -> dict[str, Tensor]:
    """Measure age vectors [num_ws, w_dim] on drawn pairs: per species, and per breed that is drawn.

    A breed's own vector (coat that changes with age, ears that rise) is mixed with its species' mean, which the
    network saw on photos too.
    """
    means = age_vectors(generator, seed=1, pairs=32)
    rows = generator.config.num_ws
    vectors = {species.value: means[i].repeat(rows, 1) for i, species in enumerate((Species.DOG, Species.CAT))}
    random = torch.Generator().manual_seed(2)
    for name, breed in BREEDS.items():
        if name in KNOWN_BREEDS:
            mean = means[int(breed.cat)]
            own = breed_vector(generator, [name] * BREED_PAIRS, random)
            vectors[name] = mean.lerp(own, OWN_SHARE).repeat(rows, 1)
    return vectors


def _photo_latents(encoder: Encoder, photos: list[AnnotatedPhoto]) -> Tensor:
    faces = open_dataset(photos, 128).faces
    parts = math.ceil(len(faces) / 64)
    return torch.cat([encoder(part.float() / 127.5 - 1) for part in faces.chunk(parts)])
