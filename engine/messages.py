"""What crosses the socket between the bot and the engine process.

Frozen dataclasses only; `engine.process.wire` encodes them and checks them against their annotations. Requests carry an
`id` that every answer repeats. Pictures and films cross as encoded bytes (JPEG, MP4), latents as opaque bytes. Boxes
and points are in pixels of the photo as people see it (EXIF orientation applied), x to the right, y down; boxes are
(x0, y0, x1, y1).
"""

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

Finite = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]  # neither NaN nor infinite
Point = tuple[Finite, Finite]
Box = tuple[Finite, Finite, Finite, Finite]


class Species(StrEnum):
    DOG = "dog"
    CAT = "cat"


class Stage(StrEnum):
    """The stages of a portrait, in the order they happen."""

    QUEUED = "queued"  # waiting for others; Progress.position says behind how many
    ALIGNING = "aligning"  # decoding, finding the face, levelling the eyes
    PROJECTING = "projecting"  # searching the pet in the latent space
    LOCKING = "locking"  # locking the identity
    FILMING = "filming"  # drawing and encoding the film


class NamedAge(StrEnum):
    """The ages that have a name, youngest first."""

    EIGHT_WEEKS = "8w"
    FOUR_MONTHS = "4m"
    ONE_YEAR = "1y"
    TODAY = "0"  # as in the photo
    OLD = "old"

    @property
    def age(self) -> float:
        """The multiple of the age vector: 1 for eight weeks, 0 for today, negative for older."""
        return _AGES[self.value]


_AGES = {"8w": 1.0, "4m": 0.75, "1y": 0.5, "0": 0.0, "old": -1.0}

AgeWords = dict[NamedAge, str]  # what ages are called, or what else is said of them, in the reader's language


class Medium(StrEnum):
    """What else can be made of a portrait. Films are H.264."""

    STORY = "story"  # MP4 of 1080 x 1920 px: title, then and now, the way between, a last card
    WIPE = "wipe"  # MP4: today's picture slides over the other age's, and back
    VIDEO_NOTE = "video_note"  # square MP4 whose middle is seen in a circle
    LOOP = "loop"  # MP4 that leads there and back, without a jump where it begins again
    GIF = "gif"  # the loop as a GIF
    WEBP = "webp"  # the loop as an animated WebP
    STICKER = "sticker"  # WebP, the head cut out with a white outline, 512 px on a transparent ground
    STRIP = "strip"  # JPEG of 1772 x 1181 px (15 x 10 cm at 300 dpi): five ages side by side


class PhotoIssue(StrEnum):
    """What makes a result weaker, by the engine's own measures of a head in a photo (`engine.vision.photo_quality`)."""

    DARK = "dark"  # the face lies in the dark
    TURNED = "turned"  # it looks away from the camera
    COVERED = "covered"  # something hides an eye, the nose or the mouth
    FAR = "far"  # it has few pixels
    BLURRY = "blurry"  # nothing in it is sharp
    EYES_CLOSED = "eyes_closed"


class FailureKind(StrEnum):
    """Whose it is to mend what made a request fail (`engine.errors`)."""

    PHOTO = "photo"  # the sender's; `Failure.reason` is a PhotoReason
    CANCELLED = "cancelled"  # nobody's; the engine was stopped, or the request cancelled
    OPERATOR = "operator"  # the operator's; `Failure.reason` is a sentence that says what to do
    FAULT = "fault"  # ours; `Failure.reason` is a fault's kind or an error's type


@dataclass(frozen=True, slots=True)
class Head:
    """One head in a photo. Eyes are left and right as the viewer sees them; None where hidden."""

    box: Box
    left_eye: Point | None
    right_eye: Point | None
    nose: Point | None
    score: Finite  # 0..1, that it is the head of a dog or a cat


@dataclass(frozen=True, slots=True)
class BreedGuess:
    """A breed by its slug (`engine.breeds`) with its probability, 0..1."""

    breed: str
    probability: Finite


@dataclass(frozen=True, slots=True)
class HeadGuess:
    """The species and breeds recognised in one of several heads; breeds most likely first."""

    species: Species
    breeds: tuple[BreedGuess, ...]


@dataclass(frozen=True, slots=True)
class HeadQuality:
    """How good a picture one head will give."""

    usable: bool  # False: `Rejuvenate` refuses it with NO_FACE unless told to try anyway
    quality: Finite  # 0..1, by which the best of several photos is chosen
    issues: tuple[PhotoIssue, ...] = ()  # the worst first


@dataclass(frozen=True, slots=True)
class CardText:
    """The words on the then-and-now card, already in the reader's language."""

    title: str  # the pet's name or its breed
    then: str  # under the younger picture
    now: str  # under today's picture
    footer: str  # date and where it was made
    otherwise: str = ""  # the title where no font can draw the first one: a name of emoji, say


@dataclass(frozen=True, slots=True)
class ExportText:
    """The words on what is made of a portrait, already in the reader's language; "" is left out."""

    title: str = ""  # the pet's name or its breed
    subtitle: str = ""  # the breed, where the title is a name
    then: str = ""  # under the younger of two pictures
    now: str = ""  # under the older one
    footer: str = ""  # date and where it was made
    ages: AgeWords = field(default_factory=dict)  # what the ages are called
    dates: AgeWords = field(default_factory=dict)  # when the pet was so old, as far as that is known


@dataclass(frozen=True, slots=True)
class Recognise:
    """Find the pets in a photo and their breeds. `photo` is the file's bytes, any format. Answered by `Recognition`."""

    id: str
    photo: bytes


@dataclass(frozen=True, slots=True)
class Rejuvenate:
    """Make the pet younger and film the change. Answered by `Progress` messages, then `Rejuvenation`.

    `breed` is a slug, or "" when unknown: then `species` picks the mean age vector, and when that is
    None too the engine recognises both itself. `head` is the index into `Recognition.heads` to take.
    `age` is a multiple of the age vector: 0 now, 1 puppy or kitten, negative older. `network` names a
    network, or "" for the best one present. `anyway` tries a photo in which no pet or no frontal face was
    recognised (then the middle of the picture is taken). With `baby_photo` the film runs from its pet to the photo's.
    `alone` shares no batch with others: the engine may have crashed because of it. With `ages`, the film says in a
    corner how old the pet is.
    """

    id: str
    photo: bytes
    breed: str = ""
    species: Species | None = None
    baby_photo: bytes | None = None
    age: Finite = 1.0
    head: int = 0
    network: str = ""
    anyway: bool = False
    card: CardText | None = None
    alone: bool = False
    ages: AgeWords | None = None


@dataclass(frozen=True, slots=True)
class Reimagine:
    """Draw the pet at another age from its kept latent, at once. Answered by `Reimagined`."""

    id: str
    latent: bytes
    age: Finite
    film: bool = True
    card: CardText | None = None
    ages: AgeWords | None = None  # with them, the film says in a corner how old the pet is


@dataclass(frozen=True, slots=True)
class Export:
    """Make another medium of a portrait, from its kept latent. Answered by `Exported`.

    `age` is the other age that it shows; a strip always shows the five that have a name.
    """

    id: str
    latent: bytes
    medium: Medium
    age: Finite = 1.0
    text: ExportText = field(default_factory=ExportText)


@dataclass(frozen=True, slots=True)
class Combine:
    """Make all portraits of one photo young in it at once, with one card of all. Answered by `Combined`.

    `latents` are those of one photo with different heads, in the order in which the card shows them.
    """

    id: str
    latents: tuple[bytes, ...]
    age: Finite = 1.0
    card: CardText | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the request `target`; it is answered by a `Failure` of the kind CANCELLED."""

    id: str
    target: str


@dataclass(frozen=True, slots=True)
class Describe:
    """Ask what the engine computes with. Answered by `Description` (for `doctor`, `/stats`)."""

    id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete what the engine keeps of these photos (`photos`: sha256 of each file, hex). Answered by `Forgotten`."""

    id: str
    photos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is. `fraction` is of the whole, 0..1; `preview` a small JPEG when there is one."""

    id: str
    stage: Stage
    fraction: Finite
    eta_s: Finite | None = None
    position: int = 0  # while QUEUED, the number of requests before it
    preview: bytes | None = None


@dataclass(frozen=True, slots=True)
class Recognition:
    """What `Recognise` found; breeds most likely first, heads most prominent first.

    `guesses` has one for each head when there are several pets, else it is empty. `qualities` has one for each head.
    `numbered` is a JPEG of a photo with several heads, each in a box with its number, from 1, counted from the left
    (by the middles of the boxes).
    """

    id: str
    pet: bool
    species: Species | None
    breeds: tuple[BreedGuess, ...]
    heads: tuple[Head, ...]
    width: int
    height: int
    guesses: tuple[HeadGuess, ...] = ()
    qualities: tuple[HeadQuality, ...] = ()
    numbered: bytes | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """An H.264 MP4 with what Telegram asks for; `thumbnail` is a JPEG of at most 320 px."""

    mp4: bytes
    thumbnail: bytes
    width: int
    height: int
    duration_s: Finite
    frames: int


@dataclass(frozen=True, slots=True)
class Rejuvenation:
    """The answer to `Rejuvenate`. Pictures are JPEG; `whole` is the face pasted back into the whole photo."""

    id: str
    still: bytes
    whole: bytes | None
    card: bytes | None
    film: Film
    latent: bytes
    species: Species
    breed: str
    breeds: tuple[BreedGuess, ...]
    head: Head | None
    network: str
    device: str
    distance: Finite  # perceptual distance between the aligned photo and its reconstruction
    steps: int
    seconds: dict[str, Finite]  # by stage, and "total"


@dataclass(frozen=True, slots=True)
class Reimagined:
    """The answer to `Reimagine`; `film` is None unless asked for.

    A `latent` should be kept instead of the one that was sent: the network had changed since.
    """

    id: str
    age: Finite
    still: bytes
    whole: bytes | None
    card: bytes | None
    film: Film | None
    seconds: dict[str, Finite]
    latent: bytes | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The answer to `Export`: a file of the kind that `Medium` says.

    `thumbnail` (JPEG of at most 320 px), `duration_s` and `frames` are given for films. A `latent` should be kept
    instead of the one that was sent: the network had changed since.
    """

    id: str
    medium: Medium
    file: bytes
    width: int
    height: int
    thumbnail: bytes | None = None
    duration_s: Finite = 0.0
    frames: int = 0
    seconds: dict[str, Finite] = field(default_factory=dict)
    latent: bytes | None = None

    @property
    def film(self) -> Film | None:
        """The file as a `Film`, where it is an MP4."""
        if self.thumbnail is None:
            return None
        return Film(self.file, self.thumbnail, self.width, self.height, self.duration_s, self.frames)


@dataclass(frozen=True, slots=True)
class Combined:
    """The answer to `Combine`. Pictures are JPEG; `latents` are to be kept instead of those sent, if there are any."""

    id: str
    whole: bytes
    card: bytes | None
    seconds: dict[str, Finite] = field(default_factory=dict)
    latents: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What the engine computes with: device, networks by name, perceptual distance; `notes` are hints for people."""

    id: str
    device: str
    networks: tuple[str, ...]
    extractor: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The answer to `Forget`: the number of kept latents, and of faces kept in memory, that were deleted."""

    id: str
    count: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The request failed."""

    id: str
    kind: FailureKind
    reason: str
    which: str = "photo"  # of kind PHOTO: whose photo, "photo" or "baby_photo"


Request = Recognise | Rejuvenate | Reimagine | Export | Combine | Cancel | Describe | Forget
Answer = Progress | Recognition | Rejuvenation | Reimagined | Exported | Combined | Description | Forgotten | Failure
