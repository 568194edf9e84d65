"""Reads keys and answers; writes the folder that judges see."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from PIL import Image, ImageDraw, ImageFont

from engine.errors import OperatorError
from engine.messages import Species

INSTRUCTIONS = "README.md"  # in a folder of sheets
LABEL_HEIGHT = 40  # px
GAP = 10  # px between pictures
_FONT_SIZE = 26  # px


class NumberedAnswer(Protocol):
    """What a judge says of one numbered sheet or picture."""

    @property
    def i(self) -> str: ...


class Judged(Protocol):
    """What all judges together said of one numbered sheet or picture."""

    @property
    def i(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def why(self) -> tuple[str, ...]: ...


_Answer = TypeVar("_Answer")
_NumberedAnswer = TypeVar("_NumberedAnswer", bound=NumberedAnswer)
_Item = TypeVar("_Item")


def read_answers(paths: Sequence[Path], kind: type[_Answer]) -> list[list[_Answer]]:
    """The answers of each file, a JSON object a line. Raises `OperatorError` that names the line that is wrong."""
    return [[_answer(path, number, line, kind) for number, line in _lines(path)] for path in paths]


def _lines(path: Path) -> Iterable[tuple[int, bytes]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise OperatorError(f"{path} cannot be read") from error
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _answer(path: Path, number: int, line: bytes, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise OperatorError(f"{path}, line {number}: {error}") from error


def key_beside(sheets: Path) -> Path:
    """Where the key of a folder of sheets lies: outside it, so that nobody who looks at them comes across it."""
    return sheets.with_name(f"{sheets.name}-key.json")


def write_key(path: Path, kind: str, seed: int, entries: Mapping[str, Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": kind, "seed": seed, "entries": entries}, indent=1) + "\n", encoding="utf-8")


def read_key(path: Path, kind: str) -> dict[str, dict[str, Any]]:
    """The entries of a key. Raises `OperatorError` where the file is missing or of another kind."""
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path} is no key: {error}") from error
    if key.get("kind") != kind:
        raise OperatorError(f"{path} is a key of {key.get('kind')!r}, not of {kind!r}")
    entries: dict[str, dict[str, Any]] = key["entries"]
    return entries


def entry(key: Mapping[str, dict[str, Any]], number: str) -> dict[str, Any]:
    """What the key says of a number. Raises `OperatorError` where no sheet has it."""
    if number not in key:
        raise OperatorError(f"an answer is about {number!r}, which no sheet shows")
    return key[number]


def answers_by_number(
    answers: Sequence[Path], kind: type[_NumberedAnswer], key: Mapping[str, dict[str, Any]]
) -> dict[str, list[_NumberedAnswer]]:
    """What all judges said of each number that one of them named, in the numbers' order.

    Raises `OperatorError` where no sheet has a number.
    """
    found: dict[str, list[_NumberedAnswer]] = {}
    for answer in (one for judge in read_answers(answers, kind) for one in judge):
        entry(key, answer.i)
        found.setdefault(answer.i, []).append(answer)
    return dict(sorted(found.items()))


def told(judged: Judged) -> dict[str, Any]:
    """Which sheet it was and why it was judged so, for JSON."""
    return {"i": judged.i, "name": judged.name, "why": list(judged.why)}


def by_species(
    items: Sequence[_Item], species_of: Callable[[_Item], str], summary: Callable[[list[_Item]], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The summary of the items of each species; without a species that has none."""
    groups = {one.value: [item for item in items if species_of(item) == one] for one in Species}
    return {name: summary(group) for name, group in groups.items() if group}


def begin_sheets(out: Path, kind: str) -> None:
    """Make the folder for sheets, which has to be new, with the instructions for judges of this kind.

    Raises `OperatorError` where something lies there: old and new sheets would be mixed.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise OperatorError(f"{out} is not empty")
    text = files("engine.lab.judging").joinpath("judging.md").read_text("utf-8")
    general, *sections = text.split("\n## ")
    own = next(section for section in sections if section.startswith(f"{kind}\n"))
    (out / INSTRUCTIONS).write_text(f"{general}\n## {own.rstrip()}\n", encoding="utf-8")


def draw_grid(pictures: Sequence[tuple[str, Image.Image]], side: int, columns: int) -> Image.Image:
    """A white sheet of pictures with a label above each, every one drawn anew at `side` × `side` px."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (side + GAP) - GAP, rows * (side + LABEL_HEIGHT + GAP) - GAP), (255, 255, 255))
    drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for place, (label, picture) in enumerate(pictures):
        x, y = place % columns * (side + GAP), place // columns * (side + LABEL_HEIGHT + GAP)
        drawing.text((x + 8, y + 4), label, fill="black", font=font)
        shown = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        sheet.paste(shown, (x, y + LABEL_HEIGHT))
    return sheet
