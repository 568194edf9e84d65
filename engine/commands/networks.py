"""`throwback networks …`: lists, pulls, imports, verifies and removes networks, and trains their encoders.

Words for people go to stderr; with --json the last line on stdout is one JSON object. Exit status 0, 2 for a bad
command line, 1 otherwise.
"""

import argparse
import sys
from typing import Any

from engine.commands.actions import run_action, say
from engine.commands.progress import ProgressBar
from engine.device import choose_device
from engine.errors import NetworkError
from engine.messages import Species
from engine.settings import EngineSettings
from engine.stylegan.encoder import Encoder
from engine.stylegan.encoder_training import EncoderProgress, EncodingOptions, train_encoder
from engine.stylegan.perceptual import vgg16_file
from engine.stylegan.store import STORYBOOK, NetworkStore
from engine.stylegan.store.pulling import PUBLISHED, VGG16, check_wanted, find_published, pull
from engine.vision.alignment import FaceTemplate


def main(arguments: list[str]) -> int:
    return run_action("networks", _ACTS, arguments, "network")


def _list(_: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store = NetworkStore(here.home)
    networks = [_described(store, name) for name in store.names()]
    for network in networks:
        say("  ".join((f"{network['name']:<12}", network.get("message") or _summary(network))))
    has_vgg16 = vgg16_file(store.home).exists()
    extractor = "vgg16" if has_vgg16 else "efficientnet-lite0 (embedded)"
    say(f"Pictures are compared by {extractor}.")
    present = {network["name"] for network in networks} | ({VGG16} if has_vgg16 else set())
    published = [name for name in PUBLISHED if name not in present]
    if published:
        say(f"To fetch with `throwback networks pull NAME`: {', '.join(published)}.")
    return {"networks": networks, "published": published, "extractor": extractor.split(maxsplit=1)[0]}


def _described(store: NetworkStore, name: str) -> dict[str, Any]:
    try:
        record = store.record(name)
    except NetworkError as error:  # the others are still worth listing
        return {"name": name, "damaged": True, "message": str(error)}
    directory = store.directory_of(name)
    return {
        "name": name,
        "embedded": name == STORYBOOK,
        "resolution": record.generator.img_resolution,
        "species": list(record.species),
        "convention": record.convention,
        "licence": record.licence,
        "source": record.source,
        "directory": str(directory),
        "bytes": sum(path.stat().st_size for path in directory.glob(f"{name}.*")),
    }


def _summary(network: dict[str, Any]) -> str:
    species = ", ".join(network["species"]) or "only when named"
    return f"{network['resolution']} px, {species}, {network['bytes'] / 1e6:.1f} MB; {network['licence']}"


def _pull(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store, published = NetworkStore(here.home), find_published(args.name)
    check_wanted(store, published)
    say(published.notice)
    bar = ProgressBar(args.name)
    try:
        if not args.accept_licence and not _agreed():
            raise NetworkError("Nothing was downloaded: the licence was not accepted (--accept-licence does so).")
        directory = pull(store, published, address=args.address, report=bar)
    except KeyboardInterrupt:
        say("\nInterrupted; what has been downloaded is kept, and continued the next time.")
        return {"error": "interrupted", "message": "interrupted"}
    finally:
        bar.close()
    say(f"{args.name} is ready in {directory}.")
    return {"name": args.name, "directory": str(directory)}


def _agreed() -> bool:
    sys.stderr.write("Do you accept? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _import(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store = NetworkStore(here.home)
    name = args.name or args.file.stem.lower()
    species = [Species(one) for one in args.species]
    store.import_official(args.file, name, convention=FaceTemplate(args.convention), species=species)
    described = _described(store, name)
    say(f"{name} is stored: {_summary(described)}.")
    return described


def _train_encoder(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store = NetworkStore(here.home)
    if args.name == STORYBOOK:
        raise NetworkError(f"{STORYBOOK} has an encoder that was trained along with it.")
    network = store.load(args.name, choose_device(here.device))
    encoder = Encoder(network.generator.config.w_dim).to(network.statistics.mean.device)
    options = EncodingOptions(pictures=args.pictures, minutes=args.minutes, seed=args.seed)
    progress, bar = EncoderProgress(0, 0.0), ProgressBar(args.name, unit=" pictures")
    try:
        for progress in train_encoder(network, encoder, options):
            bar(progress.pictures, options.pictures, f"{progress.explained:.0%} of w explained")
    except KeyboardInterrupt:
        say("\nStopped early; what has been learned is kept.")
    finally:
        bar.close()
    store.store_encoder(args.name, encoder)
    say(f"{args.name} has an encoder that explains {progress.explained:.0%} of w.")
    return {"name": args.name, "pictures": progress.pictures, "explained": round(progress.explained, 3)}


def _verify(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store = NetworkStore(here.home)
    failures = {}
    names = args.names or store.names()
    for name in names:
        try:
            store.verify(name)
            say(f"{name}: as it was stored")
        except NetworkError as error:
            say(f"{name}: {error}")
            failures[name] = str(error)
    result: dict[str, Any] = {"verified": [name for name in names if name not in failures], "failed": failures}
    return result | ({"error": "network", "message": "; ".join(failures.values())} if failures else {})


def _remove(args: argparse.Namespace, here: EngineSettings) -> dict[str, Any]:
    store = NetworkStore(here.home)
    if args.name == VGG16:
        vgg16_file(store.home).unlink(missing_ok=True)
    else:
        store.remove(args.name)
    say(f"{args.name} is removed.")
    return {"removed": args.name}


_ACTS = {
    "list": _list,
    "pull": _pull,
    "import": _import,
    "train-encoder": _train_encoder,
    "verify": _verify,
    "remove": _remove,
}
