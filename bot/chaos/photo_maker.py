"""Photos for people to send: no two are alike, and each carries a mark of who sent it."""

import io
import random
from collections.abc import Sequence

from PIL import Image

from bot.playground.request_parameters import Upload

_SCRIPT = b"\nscript:"  # behind the picture; the scripted engine acts out what follows
# Script: how often, of a hundred. Most photos are as one would wish, and each kind of trouble is there.
_SCRIPTS = {
    "": 48, "slow": 16, "cat": 8, "two_heads": 6, "dog_and_cat": 4, "no_pet": 5, "no_face": 4, "not_an_image": 3,
    "other_weights": 3, "dark": 4, "fault": 2, "die": 1,
}  # fmt: skip


class PhotoMaker:
    """Makes photos: of `pictures`, JPEG files, where there are some; else small grey ones for the scripted engine."""

    def __init__(self, randomness: random.Random, file_name: str, pictures: Sequence[bytes] = ()) -> None:
        self._random = randomness
        self._file_name = file_name
        self._pictures = pictures
        self._count = 0

    def upload(self, mark: str) -> Upload:
        """Return the next photo, with this mark and its number behind the picture's last byte."""
        self._count += 1
        picture = self._random.choice(self._pictures) if self._pictures else self._grey()
        body = picture + f"\n{mark} {self._count}".encode()
        if not self._pictures:
            (script,) = self._random.choices(list(_SCRIPTS), list(_SCRIPTS.values()))
            body += _SCRIPT + script.encode()
        return Upload(f"{self._file_name}.jpg", "image/jpeg", body)

    def _grey(self) -> bytes:
        stream, shade = io.BytesIO(), self._random.randrange(256)
        Image.new("RGB", (64, 64), (shade, shade, shade)).save(stream, "JPEG")
        return stream.getvalue()
