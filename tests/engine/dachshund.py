"""The one photo of a real pet in this repository: a dachshund, the left print of the greeting's picture."""

from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).parents[2] / "bot" / "pictures" / "start.jpg"
_PRINT = (98, 106, 543, 554)  # left, top, right and bottom of the photo in it


def dachshund() -> Image.Image:
    with Image.open(PICTURE) as picture:
        return picture.convert("RGB").crop(_PRINT)
