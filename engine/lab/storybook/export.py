"""Writes a training checkpoint as the embedded network: float16 weights, statistics, age vectors and encoder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from engine.breeds import BREEDS as KNOWN_BREEDS
from engine.lab.annotations import AnnotatedPhoto
from engine.lab.drawn_pets.parameters import BREEDS, to_z
from engine.lab.storybook.age_axis import SPECIES, age_corrections, breed_vector, drawn_vectors
from engine.lab.storybook.batches import sample_parameters
from engine.lab.storybook.face_dataset import open_dataset, photo_latents
from engine.lab.storybook.storybook_model import load_model
from engine.messages import Species
from engine.stylegan.age_vectors import corrected_age_vector
from engine.stylegan.encoder import INPUT_SIZE
from engine.stylegan.generator import Generator
from engine.stylegan.store import EMBEDDED, STORYBOOK, NetworkRecord, write_network
from engine.stylegan.store.statistics import WStatistics, describe
from engine.vision.alignment import FaceTemplate

LICENCE = (
    "CC BY-SA 4.0. Trained on pictures drawn by this project and on photos, most of them from the Oxford-IIIT Pet "
    "data set (CC BY-SA 4.0) and Unsplash; see the model card beside the weights."
)
BREED_PAIRS = 64  # drawn pairs whose mean is a breed's vector
OWN_SHARE = 0.8  # of the difference between a breed's drawn vector and its species' mean; 0 would be the mean


def export(checkpoint: Path, photos: list[AnnotatedPhoto], out: Path = EMBEDDED) -> None:
    """Write the embedded network's files; the latents of `photos` count for the statistics of w and the age vectors."""
    model = load_model(checkpoint)
    generator, encoder = model.average, model.encoder_average
    drawn = generator.mapping(to_z(sample_parameters(4000, torch.Generator().manual_seed(3))))[:, 0]
    latents = photo_latents(encoder, open_dataset(photos, INPUT_SIZE))
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
            "ages": breed_age_vectors(generator, statistics, photos, latents),
        },
    )


def breed_age_vectors(
    generator: Generator, statistics: WStatistics, photos: Sequence[AnnotatedPhoto], latents: Tensor
) -> dict[str, Tensor]:
    """Age vectors [num_ws, w_dim] per species, and per breed that is drawn.

    They are those of drawn pairs. A breed's own (coat that changes with age, ears that rise) is mixed with its species'
    mean, which the network saw on photos too. What real young and adult `photos` tell besides, by the encoder's
    `latents` [N, w_dim] of them, is added to all vectors of the species in the widest components of W
    (`engine.lab.storybook.age_axis`). For the photos of today it rests on 61 young dogs and 89 young cats, worth 19 and
    17 pairs with adults of the same breed, and a third of what it and drawn pairs differ in is added.
    """
    means = drawn_vectors(generator, seed=1, pairs=32)
    corrections = age_corrections(means, photos, latents)

    def rows(vector: Tensor, species: Species) -> Tensor:
        corrected = corrected_age_vector(vector, corrections[SPECIES.index(species)], statistics)
        return corrected.repeat(generator.config.num_ws, 1)

    vectors = {species.value: rows(mean, species) for species, mean in zip(SPECIES, means, strict=True)}
    random = torch.Generator().manual_seed(2)
    for name, breed in BREEDS.items():
        if name in KNOWN_BREEDS:
            mean = means[int(breed.cat)]
            own = breed_vector(generator, [name] * BREED_PAIRS, random)
            vectors[name] = rows(mean.lerp(own, OWN_SHARE), Species.CAT if breed.cat else Species.DOG)
    return vectors
