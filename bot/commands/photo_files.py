"""Reads the photos that a command line names."""

from pathlib import Path

from bot.commands.output import PHOTO_STATUS, CommandError
from engine import PhotoError, PhotoReason

_MAX_BYTES = 64 << 20  # bytes; more than the engine takes, so that no larger file is read into memory


def read_photo(path: Path, which: str = "photo") -> bytes:
    """Return the file's bytes. Raises `CommandError` where there are none, `PhotoError` for more than any photo has."""
    try:
        if not path.is_file():
            raise _missing(f"{path}: {'this is not a file' if path.exists() else 'there is no such file'}")
        if path.stat().st_size > _MAX_BYTES:
            raise PhotoError(PhotoReason.TOO_LARGE, which)
        return path.read_bytes()
    except OSError as error:
        raise _missing(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    except ValueError:  # a zero byte in the name
        raise _missing("the file's name is not possible") from None


def _missing(sentence: str) -> CommandError:
    return CommandError(sentence, PHOTO_STATUS, "missing")
