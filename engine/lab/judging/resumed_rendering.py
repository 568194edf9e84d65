"""Renders into a folder, and goes on where it stopped."""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from tqdm import tqdm

from engine.errors import EngineFault, PhotoError
from engine.lab.judging.rendered_results import read_index

logger = logging.getLogger(__name__)


class NamedRecord(Protocol):
    """What an index says of one thing that was rendered."""

    @property
    def name(self) -> str: ...


_Record = TypeVar("_Record", bound=NamedRecord)

Renderings = Iterable[tuple[str, Callable[[], _Record | None]]]  # names, and what writes the files of each


def render_missing(renderings: Renderings[_Record], index: Path, kind: type[_Record], count: int) -> list[_Record]:
    """Render until the index, which has a line for each, has `count` records; what it has is not made again.

    What the engine refuses, and that of which there is no record, is passed over.
    """
    index.parent.mkdir(parents=True, exist_ok=True)
    records = read_index(index, kind)
    names = {record.name for record in records}
    missing = ((name, render) for name, render in renderings if name not in names)
    made = islice(_rendered(missing, index), max(0, count - len(records)))
    records += tqdm(made, total=count, initial=len(records), desc=index.stem, disable=None)
    return records


def _rendered(renderings: Renderings[_Record], index: Path) -> Iterator[_Record]:
    for name, render in renderings:
        try:
            record = render()
        except (PhotoError, EngineFault) as error:
            logger.warning("%s: %s", name, error)
            continue
        if record is not None:
            # The line comes last: what was stopped half-way is made again.
            with index.open("ab") as lines:
                lines.write(msgspec.json.encode(record) + b"\n")
            yield record
