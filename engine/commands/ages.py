"""`throwback ages …`: lists, learns and removes age vectors.

Words for people go to stderr; with --json the last line on stdout is one JSON object.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.breeds import BREEDS
from engine.commands.actions import run_action, say
from engine.device import choose_device
from engine.errors import NetworkError, OperatorError, PhotoError
from engine.images import decoding
from engine.images.tensors import to_tensor
from engine.inversion import Projection
from engine.settings import EngineSettings
from engine.stylegan.age_vectors import AgeVectors, learn_age_vector
from engine.stylegan.perceptual import PerceptualDistance, load_extractor
from engine.stylegan.store import Network, NetworkStore
from engine.vision.alignment import align
from engine.vision.face_detection import find_heads

_LEAST_PHOTOS = 5  # of each age; with fewer, pose, light and coat do not average out
_NEAR = 0.6  # cosine to the vector that was known before, from which both lead the same way
_FAR = 0.2  # below which they do not


def main(arguments: Sequence[str]) -> int:
    return run_action("ages", _ACTS, arguments, "ages")


def _undamaged_networks(store: NetworkStore) -> Iterator[Network]:
    """Load the networks that are here, and say which are damaged."""
    for name in store.names():
        try:
            yield store.load(name)
        except NetworkError as error:
            say(str(error))


def _list(_: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    ages, networks = AgeVectors(here.home), {}
    for network in _undamaged_networks(NetworkStore(here.home)):
        name = network.name
        learned = ages.learned_breeds(network)
        known = sorted(set(ages.known(network)) - set(learned))
        networks[name] = {"known": known, "learned": learned}
        say(f"{name}: {', '.join(known) or 'none'}{'; learned: ' + ', '.join(learned) if learned else ''}")
        if outdated := ages.outdated_breeds(network):
            say(f"  learned for other weights of {name}, and to be learned anew: {', '.join(outdated)}")
    return {"networks": networks}


def _learn(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    device, store = choose_device(here.device), NetworkStore(here.home)
    species = BREEDS[args.breed].species
    network = store.load(store.choose(species, args.network or here.network), device)
    extractor = load_extractor(here.home, device=device)
    adults, puppies = (list(_faces(files, network, device)) for files in (args.adult, args.puppy))
    few = min(len(adults), len(puppies))
    if few < _LEAST_PHOTOS and not (args.few and few):
        raise OperatorError(
            f"{_LEAST_PHOTOS} photos of adults and as many of puppies or kittens must show a face, and {len(adults)} "
            f"and {len(puppies)} do; with fewer, coat and light are learned too"
            f"{'' if not few else ' (--few learns from them regardless)'}"
        )
    vectors = AgeVectors(here.home)
    before = vectors.known(network).get(args.breed)
    if before is not None:
        say(f"{BREEDS[args.breed].name} has an age vector already; what is learned now goes before it.")
    ws = {}
    for age, faces in {"adult": adults, "puppy": puppies}.items():
        say(f"{len(faces)} of {age}")
        ws[age] = torch.cat([_projected(face, network, extractor) for face in faces])
    vector = learn_age_vector(ws["puppy"], ws["adult"], network.statistics, _yaw(adults + puppies, network))
    vectors.save(network, args.breed, vector)
    say(f"{BREEDS[args.breed].name} is learned for {network.name}.")
    if verdict := _verdict(vector, before, args.breed):
        say(verdict)
    return {
        "breed": args.breed,
        "network": network.name,
        "adults": len(adults),
        "puppies": len(puppies),
        "length": float(vector.norm(dim=1).mean()),
    }


def _verdict(vector: Tensor, before: Tensor | None, breed: str) -> str:
    """What to think of a vector: whether it leads where the one before did."""
    if before is None:
        return "There was none to compare with; look at a few pictures before you trust it."
    alike = float(torch.cosine_similarity(vector.flatten().cpu(), before.flatten().cpu(), dim=0))
    undo = f"`throwback ages remove {breed}` brings the one before back"
    if alike >= _NEAR:
        return f"It leads much the same way as the one before ({alike:.2f} of 1); {undo}."
    if alike >= _FAR:
        return f"It leads another way than the one before ({alike:.2f} of 1): look at a few pictures; {undo}."
    return f"It leads quite another way than the one before ({alike:.2f} of 1), so coats may change colour; {undo}."


def _faces(files: Sequence[Path], network: Network, device: torch.device) -> Iterator[Tensor]:
    """The aligned faces [1, 3, R, R] of the photos that can be used; the others are named."""
    for file in files:
        try:
            image = decoding.decode(file.read_bytes())
        except OSError as error:
            say(f"{file}: {error.strerror or 'it cannot be read'}")
            continue
        except PhotoError as error:
            say(f"{file}: {error.reason.value.replace('_', ' ')}")
            continue
        heads = find_heads(image)
        if not heads:
            say(f"{file}: no face of a pet can be seen")
            continue
        face = align(image, heads[0], network.template, network.generator.config.img_resolution).crop
        yield to_tensor(face).to(device)


def _projected(face: Tensor, network: Network, extractor: PerceptualDistance) -> Tensor:
    """ws [1, num_ws, w_dim] of an aligned face."""
    start = network.encoder.latents(face) if network.encoder is not None else None
    *_, last = Projection(face, network.generator, network.statistics, extractor, start=start).run()
    return last.ws


def _yaw(faces: list[Tensor], network: Network) -> Tensor | None:
    """Directions [M, w_dim] along which a head turns: what the encoder sees differ in a face and its mirror image."""
    if network.encoder is None:
        return None
    with torch.no_grad():
        every = torch.cat(faces)
        turned: Tensor = network.encoder(every) - network.encoder(every.flip(3))
    # The one direction that most of them share, whichever way each head is turned.
    directions: Tensor = torch.linalg.svd(turned, full_matrices=False).Vh
    return directions[:1]


def _remove(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store, ages, removed = NetworkStore(here.home), AgeVectors(here.home), []
    for network in [store.load(args.network)] if args.network else _undamaged_networks(store):
        if ages.remove(network, args.breed):
            removed.append(network.name)
    if not removed:
        raise OperatorError(f"nothing was learned for {BREEDS[args.breed].name}")
    say(f"{BREEDS[args.breed].name} is forgotten in {', '.join(removed)}.")
    return {"breed": args.breed, "removed": removed}


_ACTS = {"list": _list, "learn": _learn, "remove": _remove}
