"""Who in a photo is portrayed: which head, of which species and breed."""

from dataclasses import dataclass

from engine.breeds import BREEDS
from engine.errors import PhotoError, PhotoReason
from engine.messages import BreedGuess, Head, Point, Recognition, Rejuvenate, Species
from engine.vision.alignment import HeadPose, head_pose


@dataclass(frozen=True, slots=True)
class Subject:
    """The pet to be portrayed."""

    head: Head | None  # in the pixels of the picture that was recognised; None: the middle is taken
    species: Species
    breed: str  # a slug, or "" where it is not known
    breeds: tuple[BreedGuess, ...]  # what the head was taken for, most likely first


def subject_of(request: Rejuvenate, found: Recognition) -> Subject:
    """The pet that a request means; what the owner says goes before what was seen.

    Raises `PhotoError` when there is none to be seen well enough, and the request does not want it anyway.
    """
    head = chosen_head(found, request.head, "photo", request.anyway)
    species, breeds = found.species, found.breeds
    if request.head < len(found.guesses):
        species, breeds = found.guesses[request.head].species, found.guesses[request.head].breeds
    if request.breed in BREEDS:
        return Subject(head, BREEDS[request.breed].species, request.breed, breeds)
    if request.species is not None:
        return Subject(head, request.species, "", breeds)
    return Subject(head, species or Species.DOG, breeds[0].breed if breeds else "", breeds)


def chosen_head(found: Recognition, index: int, which: str, anyway: bool) -> Head | None:
    """The head `index` of a photo, which is ``photo`` or ``baby_photo``; `anyway` takes what can be had.

    Raises `PhotoError` when there is no pet or no face seen from the front.
    """
    head = found.heads[index] if index < len(found.heads) else None
    if anyway:
        return head
    if not found.pet:
        raise PhotoError(PhotoReason.NO_PET, which)
    if head is None or head_pose(head) is HeadPose.PROFILE:
        raise PhotoError(PhotoReason.NO_FACE, which)
    return head


def scaled(head: Head, scale: float) -> Head:
    """`head` in a photo `scale` times as large."""

    def point(at: Point | None) -> Point | None:
        return at and (at[0] * scale, at[1] * scale)

    x0, y0, x1, y1 = (side * scale for side in head.box)
    return Head((x0, y0, x1, y1), point(head.left_eye), point(head.right_eye), point(head.nose), head.score)
