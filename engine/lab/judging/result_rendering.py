"""Makes held-out adults young with today's engine and keeps what comes out, so that it can be judged."""

import io
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random

from PIL import Image

from engine.images import decoding
from engine.lab.annotations import AnnotatedPhoto, usable_faces
from engine.lab.judging.rendered_results import INDEX, RenderedResult, kinds_of
from engine.lab.judging.resumed_rendering import render_missing
from engine.lab.judging.young_faces import trainings_that_saw
from engine.messages import Answer, Reimagine, Reimagined, Rejuvenate, Rejuvenation, Request
from engine.subject import scaled

Answering = Callable[[Request], Answer]  # such as `engine.pipeline.Pipeline.answer`


def choose_adults(folders: Sequence[Path], seed: int) -> list[AnnotatedPhoto]:
    """Adults that the recogniser never saw, those first that storybook never saw either, then spread over breeds.

    A photo without a breed is a breed of its own. Of photos with one name the first is taken.
    """
    photos = {
        photo.path.stem: photo
        for folder in reversed(folders)
        for photo in reversed(list(usable_faces(folder)))
        if photo.young is False and photo.held_out
    }
    mixed = [photos[stem] for stem in sorted(photos)]
    Random(seed).shuffle(mixed)
    taken: Counter[tuple[str, bool]] = Counter()
    order = {}
    for photo in mixed:
        breed = (photo.breed or photo.path.stem, photo.held_out_from_storybook)
        order[photo.path] = (not photo.held_out_from_storybook, taken[breed])
        taken[breed] += 1
    return sorted(mixed, key=lambda photo: order[photo.path])


def render_results(photos: Sequence[AnnotatedPhoto], out: Path, count: int, answer: Answering) -> list[RenderedResult]:
    """Make photos young until the folder has `count` results; what is there already is not made again.

    Photos that the engine refuses are passed over.
    """
    renderings = ((photo.path.stem, partial(_render, photo, out, answer)) for photo in photos)
    return render_missing(renderings, out / INDEX, RenderedResult, count)


def _render(photo: AnnotatedPhoto, out: Path, answer: Answering) -> RenderedResult | None:
    """Write the pictures of one photo; None where no head was found."""
    name, data = photo.path.stem, photo.path.read_bytes()
    young = answer(Rejuvenate(name, data, breed=photo.breed, species=photo.species, alone=True))
    if not isinstance(young, Rejuvenation) or young.head is None or young.whole is None:
        return None
    today = answer(Reimagine(name, young.latent, 0.0, film=False))
    if not isinstance(today, Reimagined):
        return None
    for suffix, jpeg in (("", young.still), ("-whole", young.whole), ("-today", today.still)):
        (out / f"{name}{suffix}.jpg").write_bytes(jpeg)
    image = decoding.decode(data)
    width, _ = decoding.full_size(data, image)
    head = scaled(young.head, Image.open(io.BytesIO(young.whole)).width / width)
    kinds = kinds_of(image, scaled(young.head, image.width / width))
    return RenderedResult(
        name, str(photo.path.resolve()), photo.species, photo.breed, kinds, head, trainings_that_saw(photo)
    )
