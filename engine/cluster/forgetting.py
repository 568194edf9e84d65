"""Photos that the engines on a cluster have still to forget, kept in a file until they have."""

import json
from collections.abc import Iterable
from pathlib import Path

from engine.atomic_file import replacing


class ToForget:
    """The sha256 (hex) of photos, over restarts: a cluster may be away for longer than the bot runs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._photos: set[str] = set()
        try:
            self._photos = {str(one) for one in json.loads(file.read_text())}
        except (OSError, ValueError, TypeError):
            return

    @property
    def photos(self) -> tuple[str, ...]:
        """What is still to be forgotten, in order."""
        return tuple(sorted(self._photos))

    def add(self, photos: Iterable[str]) -> None:
        """Keep these until they are `done`. Raises what the disk raises."""
        self._change(self._photos | set(photos))

    def done(self, photos: Iterable[str]) -> None:
        """These are forgotten. Raises what the disk raises."""
        self._change(self._photos - set(photos))

    def _change(self, photos: set[str]) -> None:
        if photos != self._photos:
            self._photos = photos
            with replacing(self._file) as new:
                new.write_text(json.dumps(self.photos))
