"""What `throwback render` writes: which files of a portrait are wanted, their names and formats."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PIL import Image

from bot.commands.output import PHOTO_STATUS, CommandError
from engine import SNIFFED_BYTES, EngineClient, Export, ExportText, Medium, Rejuvenation, sniff

PICTURE_FORMATS = ("jpg", "png", "webp")
LOOP_FORMATS = {"gif": Medium.GIF, "webp": Medium.WEBP, "mp4": Medium.LOOP}


class Output(StrEnum):
    """The files that a portrait is written as."""

    STILL = "still"
    FILM = "film"
    CARD = "card"
    WHOLE = "whole"
    STORY = "story"
    WIPE = "wipe"
    NOTE = "note"
    LOOP = "loop"
    STICKER = "sticker"
    STRIP = "strip"


USUAL = (Output.STILL, Output.FILM, Output.CARD, Output.WHOLE)
_MEDIA = {
    Output.STORY: Medium.STORY,
    Output.WIPE: Medium.WIPE,
    Output.NOTE: Medium.VIDEO_NOTE,
    Output.STICKER: Medium.STICKER,
    Output.STRIP: Medium.STRIP,
}
_FILMS = (Output.FILM, Output.STORY, Output.WIPE, Output.NOTE)


@dataclass(frozen=True, slots=True)
class FileWishes:
    """Which files are wanted, and how."""

    outputs: tuple[Output, ...]
    folder: Path
    file_format: str = ""  # "" for the usual one of each
    size: int = 0  # px, of the longer side of pictures, at most; 0 for no bound

    def path(self, stem: str, output: Output) -> Path:
        """Where this output of the photo `stem` goes."""
        return self.folder / f"{stem}-{output}.{self._suffix(output)}"

    def _suffix(self, output: Output) -> str:
        if output in _FILMS:
            return "mp4"
        if output is Output.LOOP:
            return self.file_format if self.file_format in LOOP_FORMATS else "gif"
        if output is Output.STICKER:
            return "webp"
        return self.file_format if self.file_format in PICTURE_FORMATS else "jpg"

    async def write(
        self, stem: str, made: Rejuvenation, engine: EngineClient, age: float, words: ExportText
    ) -> dict[str, str]:
        """Write the files of a portrait; return their paths by output. Raises `OSError` and `EngineError`."""
        ready = {Output.STILL: made.still, Output.FILM: made.film.mp4, Output.CARD: made.card, Output.WHOLE: made.whole}
        paths: dict[str, str] = {}
        for output in self.outputs:
            path = self.path(stem, output)
            if output in ready:
                data = ready[output]
            else:
                medium = LOOP_FORMATS[path.suffix[1:]] if output is Output.LOOP else _MEDIA[output]
                data = (await engine.export(Export(stem, made.latent, medium, age, words))).file
            if data is None:
                continue
            path.write_bytes(data if output in _FILMS or output is Output.LOOP else self._picture(data, path))
            paths[output.value] = str(path)
        return paths

    def _picture(self, data: bytes, path: Path) -> bytes:
        """A picture file, no larger than is wanted, in the format of its path."""
        wanted = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[path.suffix[1:]]
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format == wanted and (not self.size or max(picture.size) <= self.size):
                return data
            dpi = picture.info.get("dpi", (72, 72))
            sized = picture.copy()
        if self.size:
            sized.thumbnail((self.size, self.size), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        sized.save(out, wanted, quality=92, dpi=dpi)
        return out.getvalue()


def photos_in(paths: Sequence[Path]) -> list[Path]:
    """Return the photos that a command line names: files as they are, and the pictures in folders, by name.

    What this command has written there itself is left out. Raises `CommandError` for a folder without pictures.
    """
    found: list[Path] = []
    for path in paths:
        if not _is_folder(path):
            found.append(path)
        elif pictures := sorted(_pictures(path)):
            found += pictures
        else:
            raise CommandError(f"{path}: there is no picture in this folder", PHOTO_STATUS, "no_pictures")
    return list(dict.fromkeys(found))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, or a zero byte in the name: whoever reads it says so
        return False


def _pictures(folder: Path) -> Iterator[Path]:
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    stems = {path.stem for path in files}
    for path in files:
        stem, _, kind = path.stem.rpartition("-")
        if kind in set(Output) and stem in stems:
            continue
        with path.open("rb") as file:
            if sniff(file.read(SNIFFED_BYTES)):
                yield path


def stems_of(photos: Sequence[Path]) -> dict[Path, str]:
    """Return what each photo's files are called; photos of one name get numbers."""
    stems: dict[Path, str] = {}
    for photo in photos:
        stem, number = photo.stem, 1
        while stem in stems.values():
            number += 1
            stem = f"{photo.stem}-{number}"
        stems[photo] = stem
    return stems
