"""The pictures of a portrait as files."""

from dataclasses import replace
from typing import NamedTuple

from PIL import Image

from engine.images.jpeg import encode_jpeg
from engine.images.pixels import Pixels
from engine.messages import CardText
from engine.rendering.cards import side_by_side, then_and_now
from engine.rendering.portrait_renderer import PortraitRenderer


class Pictures(NamedTuple):
    """JPEGs of one portrait."""

    still: bytes
    whole: bytes
    card: bytes | None


def pictures_of(
    portrait: PortraitRenderer, title: str, age: float, card: CardText | None, photo: Image.Image | None = None
) -> Pictures:
    """Draw the still, the whole photo with it and, with the words of `card`, the card.

    With a baby photo, the still is the true puppy or kitten beside the one foretold, and the card shows the true one.
    `photo` is the portrait's, perhaps at another size; a card without a title gets `title`.
    """
    whole = encode_jpeg(portrait.whole(photo))
    face, now = _faces(portrait)
    then = None if portrait.then is None else shown(portrait, portrait.then)
    still = encode_jpeg(face if then is None else side_by_side(then, face))
    if card is None:
        return Pictures(still, whole, None)
    return Pictures(
        still, whole, then_and_now(*_by_age(then or face, now, age), replace(card, title=card.title or title))
    )


def card_faces(portrait: PortraitRenderer, age: float) -> tuple[Image.Image, Image.Image]:
    """The younger and the older face on a card: with a baby photo, the true young one."""
    face, now = _faces(portrait)
    return _by_age(face if portrait.then is None else shown(portrait, portrait.then), now, age)


def _faces(portrait: PortraitRenderer) -> tuple[Image.Image, Image.Image]:
    """The face at the portrait's age, and today's."""
    return shown(portrait, portrait.still()), shown(portrait, portrait.now)


def _by_age(other: Image.Image, now: Image.Image, age: float) -> tuple[Image.Image, Image.Image]:
    return (now, other) if age < 0 else (other, now)


def shown(portrait: PortraitRenderer, face: Pixels) -> Image.Image:
    """The part of the portrait's face that is shown."""
    return Image.fromarray(portrait.window.of_pixels(face))
