"""Writes a training checkpoint as the embedded network: float16 weights, statistics, age vectors and encoder."""

import math
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
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator
from engine.stylegan.store import EMBEDDED, STORYBOOK, NetworkRecord, write_network
from engine.stylegan.store.statistics import describe
from engine.vision.alignment import FaceTemplate

LICENCE = (
    "CC BY-SA 4.0. Trained on pictures drawn by this project and on photos, most of them from the Oxford-IIIT Pet "
    "data set (CC BY-SA 4.0) and Unsplash; see the model card beside the weights."
)
BREED_PAIRS = 64  # drawn pairs whose mean is a breed's vector
OWN_SHARE = 0.8  # of the difference between a breed's drawn vector and its species' mean; 0 would be the mean


def export(checkpoint: Path, photos: list[AnnotatedPhoto], out: Path = EMBEDDED) -> None:
    """Write the embedded network's files; the latents of `photos` count for the statistics of w."""
    model = load_model(checkpoint)
    generator, encoder = model.average, model.encoder_average
    drawn = generator.mapping(to_z(sample_parameters(4000, torch.Generator().manual_seed(3))))[:, 0]
    statistics = describe(torch.cat([drawn, _photo_latents(encoder, photos)]))
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
            "ages": drawn_age_vectors(generator),
        },
    )


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
