"""Keeps the faces of the portraits made last, so that another age begins where the first one ended."""

from collections.abc import Iterable

from engine.process.lru import LruDict
from engine.rendering.faces import PortraitFaces

MOST_BYTES = 256 << 20  # a portrait takes some 25 MB, of a photo with many pixels in the face up to ten times as much
_MOST_PORTRAITS = 16


class KeptFaces:
    """Faces by their portrait's name, bounded in memory; those that were not used for longest go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: LruDict[tuple[PortraitFaces, frozenset[str]]] = LruDict(_MOST_PORTRAITS)  # with their photos

    def get(self, portrait: str) -> PortraitFaces | None:
        """The faces, which count as used now, or None."""
        kept = self._kept.get(portrait)
        return kept and kept[0]

    def put(self, portrait: str, faces: PortraitFaces, photos: Iterable[str]) -> None:
        """Keep the faces of a portrait of these photos (sha256, hex)."""
        self._kept.put(portrait, (faces, frozenset(photos)))
        self.tidy()

    def tidy(self) -> None:
        """Keep within the memory: faces grow as they are drawn."""
        left = self._most_bytes
        for portrait, (faces, _) in reversed(self._kept.items()):
            if left > 0:
                faces.trim(left)
            left -= faces.nbytes
            if left < 0:
                self._kept.discard(portrait)

    def forget(self, photo: str) -> int:
        """Drop the faces of all portraits of this photo; return how many there were."""
        found = [portrait for portrait, (_, photos) in self._kept.items() if photo in photos]
        for portrait in found:
            self._kept.discard(portrait)
        return len(found)
