"""Draws sheets to look at: results of photos never trained on, films as strips, and the network's own pictures."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from tqdm import tqdm

from engine.images import decoding
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.images.warping import enlarged
from engine.lab.annotations import AnnotatedPhoto, held_out_faces
from engine.lab.drawn_pets.parameters import to_z
from engine.lab.evaluation.single_face import make_portrait
from engine.lab.storybook.batches import sample_parameters
from engine.rendering.portrait_renderer import PortraitRenderer
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network

FACES, FILMS, SAMPLES = 24, 8, 24
AGES = (0.5, 1.0, -0.6)  # of the sheet of faces, after the photo and its reconstruction
_SIDE = 128  # px of a picture on a sheet
_MOMENTS = 8  # pictures of a film
_TRUNCATION = 0.7  # psi of the network's own pictures; 1 draws odder pets
_QUALITY = 80  # of the JPEG files


def show(folders: Sequence[Path], out: Path, network: Network, extractor: PerceptualDistance) -> list[AnnotatedPhoto]:
    """Write ``faces.jpg``, ``films.jpg`` and ``samples.jpg`` into `out`; return the photos they show, in order.

    Only photos that were never trained on and that may be shown anywhere are taken.
    """
    out.mkdir(parents=True, exist_ok=True)
    showable = [photo for folder in folders for photo in held_out_faces(folder) if photo.may_be_shown]
    chosen = sorted(showable, key=lambda photo: hashlib.sha256(photo.path.name.encode()).digest())[:FACES]
    rows: list[list[Pixels]] = []
    strips: list[list[Pixels]] = []
    for photo in tqdm(chosen, desc="faces", disable=None):
        image = decoding.decode(photo.path.read_bytes())
        _, portrait = make_portrait(image, photo.head, photo.species, photo.breed, network, extractor)
        rows.append(_row(portrait))
        if len(strips) < FILMS:
            ages = torch.linspace(0, 1, _MOMENTS).tolist()
            strips.append([_finished(portrait, age) for age in ages])
    half = (len(rows) + 1) // 2
    faces = [left + right for left, right in zip(rows[:half], rows[half:] + [[]] * (2 * half - len(rows)), strict=True)]
    _sheet(faces).save(out / "faces.jpg", quality=_QUALITY)
    _sheet(strips).save(out / "films.jpg", quality=_QUALITY)
    samples = list(_samples(network))
    _sheet([samples[start : start + 8] for start in range(0, SAMPLES, 8)]).save(out / "samples.jpg", quality=_QUALITY)
    return chosen


def _row(portrait: PortraitRenderer) -> list[Pixels]:
    """The photo, what the network draws in its place, and the ages."""
    drawn = enlarged(portrait.draw([0.0]), portrait.window.side)
    shown = [portrait.window.of_pixels(portrait.now), to_pixels(portrait.window.of(drawn))]
    return [*shown, *(_finished(portrait, age) for age in AGES)]


def _finished(portrait: PortraitRenderer, age: float) -> Pixels:
    return to_pixels(portrait.window.of(portrait.at(age)))


@torch.no_grad()
def _samples(network: Network) -> Iterator[Pixels]:
    """Random pets of random ages, as the network draws them without having seen a photo."""
    pets = sample_parameters(SAMPLES, torch.Generator().manual_seed(0))
    for z in torch.split(to_z(pets).to(network.statistics.mean), 1):
        yield to_pixels(network.generator(z, truncation_psi=_TRUNCATION))


def _sheet(rows: Sequence[Sequence[Pixels]]) -> Image.Image:
    sheet = Image.new("RGB", (max(map(len, rows)) * _SIDE, len(rows) * _SIDE), "white")
    for y, row in enumerate(rows):
        for x, pixels in enumerate(row):
            picture = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            sheet.paste(picture, (x * _SIDE, y * _SIDE))
    return sheet
