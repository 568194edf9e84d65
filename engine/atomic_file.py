"""Replaces a file as a whole, so that readers and crashes meet either the old content or the new."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a path to write to, in `file`'s folder, which is made if need be; it replaces `file` on leaving.

    After an error it is removed and `file` stays as it was. Raises what the disk raises.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}")
    try:
        yield new
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
