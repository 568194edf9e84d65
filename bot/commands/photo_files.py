"""Reads the photos that a command line names."""

from pathlib import Path

from bot.commands.output import PHOTO_STATUS, CommandError
from engine import PhotoError, PhotoReason

_MAX_BYTES = 64 << 20  # bytes; more than the engine takes, so that no larger file is read into memory


class MissingPhoto(CommandError):
    """There is no such file, or it cannot be opened; the text says which."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, PHOTO_STATUS, "missing")


def read_photo(path: Path, which: str = "photo") -> bytes:
    """Return the file's bytes; raises `MissingPhoto`, and `PhotoError` when the file is larger than any photo."""
    try:
        if not path.is_file():
            raise MissingPhoto(f"{path}: {'this is not a file' if path.exists() else 'there is no such file'}")
        if path.stat().st_size > _MAX_BYTES:
            raise PhotoError(PhotoReason.TOO_LARGE, which)
        return path.read_bytes()
    except OSError as error:
        raise MissingPhoto(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    except ValueError:  # a zero byte in the name
        raise MissingPhoto("the file's name is not possible") from None
