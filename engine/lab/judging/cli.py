"""`python -m engine lab judge …`: render results, prepare sheets for judges, score their answers."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.lab.judging import blind_pairs, film_frames, middle_frames, real_or_made, whole_films, whose_young
from engine.lab.judging.film_pairs import choose_pairs
from engine.lab.judging.judges_answers import key_beside
from engine.lab.judging.kid import measure_kid
from engine.lab.judging.result_rendering import choose_adults, render_results
from engine.lab.judging.young_faces import TRAININGS, YoungFace, young_faces
from engine.pipeline import Pipeline
from engine.rendering.film import FilmOptions
from engine.settings import from_environment

_Act = Callable[[argparse.Namespace], Any]

_COUNT = 40
_FILMS = 20
_FILM = FilmOptions(fps=10, duration_s=0.5, hold_s=0.0, keys=2)  # nobody looks at it


def main(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    sys.stdout.write(json.dumps(args.act(args), indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine lab judge", description="Results judged blind, and by their distribution."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = _command(commands, "render", _render, "make held-out adults young; goes on where it stopped")
    command.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER", help=_PHOTOS)
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where results go")
    _add_count_and_seed(command)

    pairs = _actions(commands, "pairs", "which of two results is sent?")
    prepare = _judging(pairs, "sheets", _pairs, blind_pairs.score_pairs)
    prepare.add_argument("--old", type=Path, required=True, metavar="FOLDER", help="with stills of the same names")
    prepare.add_argument("--new", type=Path, required=True, metavar="FOLDER", help="that `judge render` made")
    prepare.add_argument("--seed", type=int, default=0, help="chooses which is A")

    real = _actions(commands, "real", "real young animals or results?")
    prepare = _judging(real, "faces", _real, real_or_made.score_real)
    _add_results(prepare)
    _add_young(prepare)
    _add_count_and_seed(prepare)

    whose = _actions(commands, "whose", "whose young self is it?")
    prepare = _judging(whose, "sheets", _whose, whose_young.score_whose)
    _add_results(prepare)
    prepare.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER", help=_PHOTOS)
    _add_count_and_seed(prepare)

    _add_frames(commands)

    films = _actions(commands, "films", "which of two films from a baby photo is preferred?")
    prepare = _judging(films, "sheets", _films, whole_films.score_films)
    prepare.add_argument("--old", type=Path, required=True, metavar="FOLDER", help="with films of the same names")
    prepare.add_argument("--new", type=Path, required=True, metavar="FOLDER", help="that `judge frames render` made")
    prepare.add_argument("--seed", type=int, default=0, help="chooses which is A, and the order")

    summary = "kernel distance of results from real young faces, over that of adults"
    command = _command(commands, "kid", lambda args: measure_kid(args.results, _young(args)), summary)
    _add_results(command)
    _add_young(command)
    return parser


def _command(commands: Any, name: str, act: _Act, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    command.set_defaults(act=act)
    return command


def _actions(commands: Any, name: str, about: str) -> Any:
    parser = commands.add_parser(name, help=about, description=about)
    return parser.add_subparsers(metavar="ACTION", required=True)


def _judging(
    actions: Any,
    drawn: str,
    prepare: Callable[[argparse.Namespace, Path], int],
    score: Callable[[list[Path], Path], Any],
) -> argparse.ArgumentParser:
    """Add the actions `prepare` and `score` of one kind of judging; return the parser of `prepare`.

    `prepare` draws sheets, writes the key to a file, and returns the number of what it has `drawn`.
    """

    def act(args: argparse.Namespace) -> dict[str, Any]:
        key = args.key or key_beside(args.out)
        return {drawn: prepare(args, key), "folder": str(args.out), "key": str(key)}

    command = _command(actions, "score", lambda args: score(args.answers, args.key), "score what judges answered")
    command.add_argument("answers", type=Path, nargs="+", metavar="ANSWERS", help="a file of each judge")
    command.add_argument("--key", type=Path, required=True, metavar="FILE")
    command = _command(actions, "prepare", act, "draw the sheets and write the key")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new, where sheets go")
    command.add_argument("--key", type=Path, metavar="FILE", help="where the key goes; else beside the sheets' folder")
    return command


def _add_frames(commands: Any) -> None:
    actions = _actions(commands, "frames", "is the middle of a film from a baby photo an animal?")
    command = _command(actions, "render", _filmed, "film young and grown animals as one; goes on where it stopped")
    command.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER", help=_FILMED)
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where films and frames go")
    _add_count_and_seed(command, _FILMS)
    prepare = _judging(actions, "sheets", _frames, middle_frames.score_frames)
    prepare.add_argument("--results", type=Path, nargs="+", required=True, metavar="FOLDER", help=_FRAMES)
    prepare.add_argument(
        "--percent",
        type=int,
        default=film_frames.MIDDLE_PERCENT,
        choices=film_frames.KEPT_PERCENT,
        help="of the film's way",
    )
    prepare.add_argument("--seed", type=int, default=0, help="chooses the order")


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, required=True, metavar="FOLDER", help="that `judge render` made")


def _add_young(command: argparse.ArgumentParser) -> None:
    command.add_argument("--photos", type=Path, nargs="+", default=[], metavar="FOLDER", help=_YOUNG)
    command.add_argument("--unseen", type=Path, nargs="+", default=[], metavar="FOLDER", help=_UNSEEN)
    command.add_argument("--allow", nargs="+", default=[], choices=TRAININGS, help=_ALLOW)


def _add_count_and_seed(command: argparse.ArgumentParser, count: int = _COUNT) -> None:
    command.add_argument("--count", type=int, default=count, help="at most")
    command.add_argument("--seed", type=int, default=0, help="chooses which come and in what order")


_PHOTOS = "folders of annotated photos, with faces.tsv and SOURCES.tsv"
_FILMED = "folders of annotated or marked photos, of young animals and grown ones"
_FRAMES = "that `judge frames render` made; frames of several are mixed"
_YOUNG = "folders of annotated or marked photos, whose young animals are taken that no training saw"
_UNSEEN = "folders of more photos of young animals, which no training saw"
_ALLOW = "trainings that may have seen the young animals; the score tells of it"


def _render(args: argparse.Namespace) -> dict[str, Any]:
    engine = Pipeline(from_environment(), _FILM)
    made = render_results(choose_adults(args.photos, args.seed), args.out, args.count, engine.answer)
    return {"results": len(made), "folder": str(args.out)}


def _filmed(args: argparse.Namespace) -> dict[str, Any]:
    engine = Pipeline(from_environment(), film_frames.FILM)
    pairs = choose_pairs(args.photos, args.seed)
    films = film_frames.render_films(pairs, args.out, args.count, engine.answer)
    return {**film_frames.measured(films), "folder": str(args.out)}


def _frames(args: argparse.Namespace, key: Path) -> int:
    return middle_frames.prepare_frames(args.results, args.out, key, args.seed, args.percent)


def _films(args: argparse.Namespace, key: Path) -> int:
    return whole_films.prepare_films(args.old, args.new, args.out, key, args.seed)


def _pairs(args: argparse.Namespace, key: Path) -> int:
    return blind_pairs.prepare_pairs(args.old, args.new, args.out, key, args.seed)


def _real(args: argparse.Namespace, key: Path) -> int:
    return real_or_made.prepare_real(_young(args), args.results, args.out, key, args.count, args.seed)


def _whose(args: argparse.Namespace, key: Path) -> int:
    adults = whose_young.adult_faces(args.photos)
    return whose_young.prepare_whose(args.results, adults, args.out, key, args.count, args.seed)


def _young(args: argparse.Namespace) -> list[YoungFace]:
    return young_faces(args.photos, args.allow, args.unseen)
