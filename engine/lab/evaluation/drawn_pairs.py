"""Measures the whole way from photo to result on drawn pairs, where the photo is known to the pixel.

A drawn adult is treated like a photo, and the result is compared with the same pet drawn at eight weeks. Drawn pets and
portraits grow by the same model of growth, but the drawing knows where its parts lie, and portraits have to find them:
the share of the gap that is closed says how well they do, and whether what they know of eyes, fur and coats comes out.
Nothing closes all of it: some breeds are drawn with young coats that portraits do not know (`engine.growth.coat`), and
no portrait can tell what a picture hides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from engine.breeds import BREEDS as KNOWN
from engine.images.tensors import to_pixels, to_tensor
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.lab.evaluation.single_face import make_portrait
from engine.messages import Species
from engine.rendering.portrait_renderer import PortraitRenderer
from engine.rendering.warped_portrait import WarpedPortrait
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.generator import UNADJUSTED
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network
from engine.vision.cropping import SIDE

PAIRS_SEED = 1_000_003  # training seeds count pictures, so no training has drawn these pets
COMPARED_SIDE = 64  # px; shows parts, proportions and coat, but no single hairs, which nobody can foretell


@dataclass(frozen=True, slots=True)
class PairResult:
    """One drawn pair."""

    breed: str
    gap_closed: float  # 1 - distance(result, young) / distance(adult, young); near 0 today, below 0 farther away
    untuned: float  # perceptual distance between the adult and what a search finds
    reconstruction: float  # the same after the tuning
    ages: tuple[float, ...]  # estimated by the encoder along the film; the last is above the first if all is well


def measure_pairs(
    network: Network, extractor: PerceptualDistance, count: int, seed: int = PAIRS_SEED
) -> Iterator[PairResult]:
    """Send `count` drawn adults through the engine, one after the other."""
    known = [name for name in BREEDS if name in KNOWN]
    names = [known[i % len(known)] for i in range(count)]
    adults = sample_pets(names, torch.Generator().manual_seed(seed))
    for i, name in enumerate(names):
        pet = adults[i : i + 1]
        species = Species.CAT if BREEDS[name].cat else Species.DOG
        adult, young = render(pet, SIDE), render(at_age(pet, [name], torch.ones(1)), SIDE)
        head = heads_of(pet, SIDE)[0]
        inversion, portrait = make_portrait(Image.fromarray(to_pixels(adult)), head, species, name, network, extractor)
        if not isinstance(portrait, WarpedPortrait):
            raise TypeError("pairs are measured with a network that knows how faces grow")
        adult, young = (picture.to(network.statistics.mean) for picture in (adult, young))
        left = _distance(extractor, to_tensor(portrait.still()).to(young), young)
        closed = 1 - left / _distance(extractor, adult, young)
        ages = _ages(network, portrait, AgeVectors().vector(network, species, name))
        distances = inversion.distance_with(UNADJUSTED), inversion.distance_with(inversion.tuned())
        yield PairResult(name, closed, *distances, ages)


@torch.no_grad()
def _distance(extractor: PerceptualDistance, a: Tensor, b: Tensor) -> float:
    small = [F.interpolate(picture, (COMPARED_SIDE, COMPARED_SIDE), mode="area") for picture in (a, b)]
    return float(extractor(*small))


@torch.no_grad()
def _ages(network: Network, portrait: PortraitRenderer, vector: Tensor) -> tuple[float, ...]:
    """The encoder's estimate of age along the film, in units of the age vector; empty without an encoder."""
    if network.encoder is None:
        return ()
    way = [portrait.at(age) for age in (0.0, 0.25, 0.5, 0.75, 1.0)]
    found = network.encoder(torch.cat(way))
    axis = vector[0] / vector[0].square().sum()
    return tuple(((found - found[:1]) @ axis).tolist())
