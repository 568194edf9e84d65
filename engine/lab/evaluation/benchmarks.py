"""`python -m engine bench …`: the measurements of `throwback bench` that need torch.

Ratios come from one run on one machine: both algorithms project the same photos with the same network and extractor.
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image

from engine import settings
from engine.device import choose_device
from engine.errors import OperatorError, PhotoError
from engine.images import decoding
from engine.images.tensors import to_pixels
from engine.inversion import OFFICIAL, Projection, ProjectionOptions, Search
from engine.inversion.session import Inversion
from engine.lab.drawn_pets.parameters import BREEDS as DRAWN_BREEDS
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.evaluation.drawn_pairs import PairResult, measure_pairs
from engine.lab.evaluation.real_photos import (
    PhotoResult,
    measure_photos,
    other_fingerprints,
    photo_files,
    same_pet_share,
)
from engine.messages import Species
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.perceptual import PerceptualDistance, load_extractor
from engine.stylegan.store import Network, NetworkStore
from engine.stylegan.store.statistics import measure
from engine.vision.face_detection import find_heads

AFHQ_CONFIG = GeneratorConfig()  # its defaults are those networks'
OUR_OPTIONS = ProjectionOptions()
DRAWN_SIDE = 512  # px, of drawn pets as photos
NO_PHOTO = "there is no photo to measure with"
TIMED_STEPS = 8  # of each algorithm on the AFHQ-sized network, after one that warms up; more steadies the median

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="throwback bench")
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    subject = subjects.add_parser("projection", help="the published projection algorithm against ours")
    subject.add_argument("--photos", type=Path, metavar="FOLDER", help="photos to use (default: drawn pets)")
    subject.add_argument("--count", type=int, default=1, help="of photos")
    subject.add_argument("--json", action="store_true")
    pictures = subjects.add_parser("pictures", help="how young drawn adults become, against the same pets drawn young")
    pictures.add_argument(
        "--photos", type=Path, nargs="+", default=[], metavar="FOLDER", help="adults to make young too"
    )
    pictures.add_argument("--count", type=int, default=100, help="of pairs, and of photos at most")
    pictures.add_argument("--held-out", action="store_true", help="only photos in faces.tsv that were never trained on")
    pictures.add_argument(
        "--among", type=Path, nargs="+", default=[], metavar="FOLDER", help="photos to find each pet among, too"
    )
    pictures.add_argument("--among-count", type=int, default=300, help="of photos to find each pet among, in all")
    pictures.add_argument("--json", action="store_true")
    subject = subjects.add_parser("draw", help="pictures of drawn pets, to measure with")
    subject.add_argument("--count", type=int, default=1)
    subject.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(arguments)
    if args.subject == "draw":
        draw(args.count, args.out)
        return 0
    if args.subject == "pictures":
        if (args.held_out or args.among) and not args.photos:
            pictures.error("--held-out and --among need --photos")
        figures = measure_pictures(args.count, args.photos, args.held_out, args.among, args.among_count)
    else:
        figures = measure_projection(args.photos, args.count)
    for name, value in figures.items():
        sys.stderr.write(f"{name}: {value}\n")
    if args.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def measure_pictures(
    count: int, folders: Sequence[Path], held_out: bool, among: Sequence[Path], among_count: int
) -> dict[str, Any]:
    """Drawn adults made younger against the same pets drawn young, and real adults made younger."""
    files, neighbours = photo_files(folders, held_out), photo_files(among)
    if folders and not files:
        raise OperatorError(NO_PHOTO)
    if among and not neighbours:
        raise OperatorError("there is no photo to find the pets among")
    here = settings.from_environment()
    device, store = choose_device(here.device), NetworkStore(here.home)
    network, extractor = store.load(store.choose(None), device), load_extractor(here.home, device=device)
    pairs = []
    for pair in measure_pairs(network, extractor, count):
        pairs.append(pair)
        sys.stderr.write(f"{pair.breed}: {pair.gap_closed:.2f} of the gap closed\n")
    figures = _of_pairs(pairs) | {"network": network.name, "extractor": extractor.name}
    if not folders:
        return figures
    results = []
    for result in measure_photos(files, network, extractor, count):
        results.append(result)
        sys.stderr.write(f"{result.file.name}: youth {result.youth[0]:.2f} to {result.youth[1]:.2f}\n")
    if neighbours:
        sys.stderr.write("looking at the neighbours\n")
    measured = [result.file for result in results]
    others = other_fingerprints(neighbours, network, max(among_count - len(results), 0), measured)
    return figures | _of_photos(results, others)


def _of_pairs(pairs: Sequence[PairResult]) -> dict[str, Any]:
    gaps = [pair.gap_closed for pair in pairs]
    rising = [all(a < b for a, b in pairwise(pair.ages)) for pair in pairs]
    return {
        "gap_closed_mean": _rounded_mean(gaps, 3),
        "gap_closed_min": round(min(gaps), 3),
        "nearer_share": sum(gap > 0 for gap in gaps) / len(gaps),
        "reconstruction": _rounded_mean([pair.reconstruction for pair in pairs], 4),
        "unlocked": _rounded_mean([pair.untuned for pair in pairs], 4),
        "age_rising_share": sum(rising) / len(rising),
        "n": len(pairs),
    }


def _of_photos(results: Sequence[PhotoResult], others: Sequence[torch.Tensor]) -> dict[str, Any]:
    """What `measure_photos` finds; `reconstruction` and `untuned` are those of the photos then."""
    if not results:
        raise OperatorError(NO_PHOTO)
    return {
        "younger_share": _rounded_mean([result.younger for result in results], 3),
        "young_proportions_before": _rounded_mean([result.young[0] for result in results if result.young], 3),
        "young_proportions": _rounded_mean([result.young[1] for result in results if result.young], 3),
        "same_pet_share": round(same_pet_share(results, others), 3),
        "same_pet_among": len(results) + len(others),
        "reconstruction": _rounded_mean([result.reconstruction for result in results], 4),
        "unlocked": _rounded_mean([result.untuned for result in results], 4),
        "photos": len(results),
    }


def _rounded_mean(values: Sequence[float], digits: int) -> float | None:
    return round(statistics.mean(values), digits) if values else None


def draw(count: int, folder: Path) -> None:
    """Write `count` drawn adults as PNG, such as an owner could send: a face is found in each."""
    folder.mkdir(parents=True, exist_ok=True)
    random = torch.Generator().manual_seed(0)
    shown = 0
    for name in cycle(sorted(DRAWN_BREEDS)):
        if shown == count:
            return
        picture = Image.fromarray(to_pixels(render(sample_pets([name], random), DRAWN_SIDE)))
        if find_heads(picture):
            picture.save(folder / f"{shown:03}-{name}.png")
            shown += 1


def measure_projection(folder: Path | None, count: int) -> dict[str, Any]:
    """The official algorithm against ours on the network in use, and a step of each on a network of 512 px.

    `seconds`, `steps`, `distance` and `ratio` are of ours up to the first step whose picture is at least as near to the
    photo as the official algorithm's in the end; those called whole are of projection and tuning to their end.
    Distances are of the picture at the network's resolution, in float32; measuring them is not counted.
    """
    here = settings.from_environment()
    device, store = choose_device(here.device), NetworkStore(here.home)
    network = store.load(store.choose(None, here.network), device)
    extractor = load_extractor(here.home, device=device)
    official_step_s, our_step_s = _afhq_steps(device, extractor)
    pairs = []
    for inversion in _inversions(folder, count, network, extractor):
        official = _official(inversion)
        pairs.append((_ours(inversion, official.distance), official))
        logger.info("ours %s, official %s", *pairs[-1])
    return {
        "network": network.name,
        "extractor": extractor.name,
        "photos": len(pairs),
        **_of_projections(pairs),
        "step_ratio_afhq": round(official_step_s / our_step_s, 1),
        "step_s_afhq": round(our_step_s, 3),
        "reference_step_s_afhq": round(official_step_s, 3),
    }


class _Reached(NamedTuple):
    """How far a search had come: the distance of its picture from the photo after so many seconds and steps."""

    seconds: float
    steps: float  # a whole number, or a mean of such
    distance: float


class _OurSearch(NamedTuple):
    """Our search of one photo: where it came as near as the official one, before the tuning, and at its end."""

    reached: _Reached
    untuned_distance: float
    whole: _Reached


def _of_projections(pairs: Sequence[tuple[_OurSearch, _Reached]]) -> dict[str, Any]:
    """The means over photos, searched by ours and by the official algorithm."""
    reached, official = (_mean([ours.reached for ours, _ in pairs]), _mean([theirs for _, theirs in pairs]))
    whole = _mean([ours.whole for ours, _ in pairs])
    untuned = statistics.mean(ours.untuned_distance for ours, _ in pairs)
    return {
        "ratio": round(official.seconds / reached.seconds, 1),
        "seconds": round(reached.seconds, 2),
        "reference_seconds": round(official.seconds, 2),
        "distance": round(reached.distance, 4),
        "unlocked_distance": round(untuned, 4),
        "whole_seconds": round(whole.seconds, 2),
        "whole_steps": round(whole.steps),
        "whole_distance": round(whole.distance, 4),
        "whole_ratio": round(official.seconds / whole.seconds, 1),
        "lock_share": round(whole.distance / untuned, 3),
        "reference_distance": round(official.distance, 4),
        "steps": round(reached.steps),
        "reference_steps": round(official.steps),
    }


def _mean(searches: Sequence[_Reached]) -> _Reached:
    return _Reached(*map(statistics.mean, zip(*searches, strict=True)))


def _inversions(
    folder: Path | None, count: int, network: Network, extractor: PerceptualDistance
) -> Iterator[Inversion]:
    """The pets of a folder's first photos that show a face, or drawn ones."""
    if folder is None:
        with tempfile.TemporaryDirectory() as drawn:
            draw(count, Path(drawn))
            yield from _inversions(Path(drawn), count, network, extractor)
        return
    taken = 0
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        if taken == count:
            return
        try:
            image = decoding.decode(file.read_bytes())
        except PhotoError:
            continue
        heads = find_heads(image)
        vector = AgeVectors().vector(network, Species.DOG)
        yield Inversion(image, heads[0] if heads else None, Species.DOG, network, extractor, vector)
        taken += 1
    if not taken:
        raise OperatorError(NO_PHOTO)


def _now_s() -> float:
    """The time in seconds, once the device has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic()


def _ours(inversion: Inversion, wanted: float) -> _OurSearch:
    """Search and tune one photo; what never comes as near as `wanted` counts as reached at the end."""
    seconds, untuned = 0.0, 0.0
    reached: _Reached | None = None
    for stage in (inversion.project(), inversion.tune()):
        while True:
            began = _now_s()
            step = next(stage, None)
            seconds += _now_s() - began
            if step is None:
                break
            if reached is None and (distance := _distance(inversion)) <= wanted:
                reached = _Reached(seconds, inversion.steps, distance)
        untuned = untuned or _distance(inversion)
    began = _now_s()
    adjustments = inversion.tuned()
    seconds += _now_s() - began
    whole = _Reached(seconds, inversion.steps, inversion.distance_with(adjustments))
    return _OurSearch(reached or whole, untuned, whole)


def _distance(inversion: Inversion) -> float:
    """Distance between the photo and what has been found so far; infinite before anything has."""
    return float("inf") if inversion.ws is None else inversion.distance_with(inversion.adjustments)


def _official(inversion: Inversion) -> _Reached:
    network, target = inversion.network, inversion.target
    began = _now_s()
    *_, found = Projection(target, network.generator, network.statistics, inversion.extractor, OFFICIAL).run()
    seconds = _now_s() - began
    with torch.no_grad():
        drawn = network.generator.synthesis(found.ws, adjustments=found.adjustments)
        return _Reached(seconds, found.index, float(inversion.extractor(drawn, target)))


def _afhq_steps(device: torch.device, extractor: PerceptualDistance) -> tuple[float, float]:
    """Seconds of an official step and of ours, at all resolutions in their proportion, on a network of AFHQ's size.

    Its weights are random.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = Generator(AFHQ_CONFIG).eval().requires_grad_(False).to(device)
    statistics_of_w = measure(generator, samples=1000).to(device)
    target = torch.zeros(1, 3, AFHQ_CONFIG.img_resolution, AFHQ_CONFIG.img_resolution, device=device)
    coarse = OUR_OPTIONS.coarse_shares
    shares = [1 - sum(coarse), *reversed(coarse)]  # at full resolution, at half, …
    levels = [replace(OUR_OPTIONS, coarse_shares=(1.0,) * halvings) for halvings in range(len(shares))]
    *ours, official = (
        _step_s(Projection(target, generator, statistics_of_w, extractor, options)) for options in (*levels, OFFICIAL)
    )
    return official, sum(share * seconds for share, seconds in zip(shares, ours, strict=True))


def _step_s(search: Search) -> float:
    search.step()
    times = []
    for _ in range(TIMED_STEPS):
        began = time.monotonic()
        float(search.step().distance)  # waits for the device
        times.append(time.monotonic() - began)
    return statistics.median(times)
