"""Reading the photos named on a command line."""

from pathlib import Path

from engine import PhotoError, PhotoReason

_LARGEST_BYTES = 64 << 20  # more than the engine takes; nothing beyond it is read into memory


class MissingPhoto(Exception):
    """There is no such file, or it cannot be opened; the text says which."""


def read_photo(path: Path, which: str = "photo") -> bytes:
    """The file's bytes. Raises `MissingPhoto`, and `PhotoError` when the file is larger than any photo."""
    try:
        if not path.is_file():
            raise MissingPhoto(f"{path}: {'this is not a file' if path.exists() else 'there is no such file'}")
        if path.stat().st_size > _LARGEST_BYTES:
            raise PhotoError(PhotoReason.TOO_LARGE, which)
        return path.read_bytes()
    except OSError as error:
        raise MissingPhoto(f"{path}: {(error.strerror or 'it cannot be read').lower()}") from None
    except ValueError:  # a zero byte in the name
        raise MissingPhoto("the file's name is not possible") from None
