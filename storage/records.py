"""Records that storage returns: frozen, one class per table."""

import sqlite3
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self, TypedDict


class State(StrEnum):
    """Where a portrait stands. `Portraits.advance` moves it, and knows which state may follow which."""

    RECEIVED = "received"  # the photo is being fetched and recognised
    AWAITING_HEAD = "awaiting_head"  # several pets: the owner says which one
    AWAITING_GO_ON = "awaiting_go_on"  # the photo is weak: the owner sends another one, or goes on with it
    AWAITING_BREED = "awaiting_breed"  # the owner says which breed
    AWAITING_BABY_PHOTO = "awaiting_baby_photo"  # the owner sends one, or skips it
    BABY_RECEIVED = "baby_received"  # the baby photo is being fetched and recognised
    QUEUED = "queued"  # waiting for a place in the engine
    RUNNING = "running"  # in the engine
    DELIVERING = "delivering"  # results exist and are being sent
    DONE = "done"  # all results were sent
    FAILED = "failed"  # `failure` says why
    CANCELLED = "cancelled"  # by its owner


ASKING_STATES = (State.AWAITING_HEAD, State.AWAITING_GO_ON, State.AWAITING_BREED, State.AWAITING_BABY_PHOTO)
OPEN_STATES = (State.RECEIVED, *ASKING_STATES, State.BABY_RECEIVED, State.QUEUED, State.RUNNING)
"""States in which the owner can still cancel."""
RESULT_STATES = (State.DELIVERING, State.DONE)
"""States in which there are results. Owners see one, and may press its buttons, a moment before its row is done."""

_BEFORE_BREED = (State.RECEIVED, State.AWAITING_HEAD, State.AWAITING_GO_ON)
# Which states may come before each.
PREDECESSORS: dict[State, tuple[State, ...]] = {
    State.RECEIVED: (State.FAILED, State.RECEIVED, *ASKING_STATES),
    State.AWAITING_HEAD: (State.RECEIVED,),
    State.AWAITING_GO_ON: (State.RECEIVED, State.AWAITING_HEAD),
    State.AWAITING_BREED: (*_BEFORE_BREED, State.AWAITING_BABY_PHOTO, State.FAILED),
    State.AWAITING_BABY_PHOTO: (*_BEFORE_BREED, State.AWAITING_BREED, State.BABY_RECEIVED, State.RUNNING),
    State.BABY_RECEIVED: (State.AWAITING_BABY_PHOTO,),
    State.QUEUED: (*ASKING_STATES, State.BABY_RECEIVED, State.RUNNING, State.FAILED),
    State.RUNNING: (State.QUEUED,),
    State.DELIVERING: (State.RUNNING,),
    State.DONE: (State.DELIVERING,),
    State.FAILED: (*OPEN_STATES, State.DELIVERING),
    State.CANCELLED: OPEN_STATES,
}


class Kind(StrEnum):
    """Kinds of results, in the order in which they are sent."""

    STILL = "still"
    WHOLE = "whole"  # the young face pasted into the whole photo
    CARD = "card"  # then and now, side by side
    FILM = "film"
    STORY = "story"  # these are made when they are asked for
    WIPE = "wipe"
    VIDEO_NOTE = "video_note"
    LOOP = "loop"
    AGED_FILM = "aged_film"  # the film with the age in a corner
    STRIP = "strip"  # five ages side by side
    STRIP_FILE = "strip_file"  # the same as a file, to be printed
    STICKER = "sticker"
    PACK = "pack"  # the sticker in its owner's own set
    ALL_WHOLE = "all_whole"  # the whole photo with all of its pets young
    ALL_CARD = "all_card"  # one card of all of them


SHOWN_KINDS = (Kind.STILL, Kind.FILM)
"""Kinds of which a chat shows one age: another age takes its place."""
DRAWN_KINDS = (Kind.STILL, Kind.WHOLE, Kind.CARD, Kind.FILM)
"""Kinds that are made together, whenever an age is drawn."""
EXPORTED_KINDS = (Kind.STORY, Kind.WIPE, Kind.VIDEO_NOTE, Kind.LOOP, Kind.STRIP, Kind.STRIP_FILE, Kind.STICKER)
"""Kinds that are made one by one."""
NAMED_KINDS = (Kind.CARD, Kind.STORY, Kind.STRIP, Kind.STRIP_FILE)
"""Kinds on which the pet's name is written."""
SHARED_KINDS = (Kind.ALL_WHOLE, Kind.ALL_CARD)
"""Kinds that show all pets of one photo."""


class FailureReason(StrEnum):
    """Why a portrait failed, or why its baby photo is asked for again."""

    NONE = ""
    NOT_AN_IMAGE = "not_an_image"  # these six are about a photo, and the engine names them so
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    NO_PET = "no_pet"
    NO_FACE = "no_face"
    NOT_FETCHED = "not_fetched"  # the messenger does not hand out the photo
    CHAT_GONE = "chat_gone"  # nobody is there to answer
    PERSON_LIMIT = "limit_person"  # today's portraits are used up
    GROUP_LIMIT = "limit_group"
    DEFECT = "defect"  # an error that nobody foresaw; the column has its type instead


@dataclass(frozen=True, slots=True)
class PortraitFailure:
    """Why a portrait failed: a reason, and for a defect the type of the error. The column holds `str()` of it."""

    reason: FailureReason = FailureReason.NONE
    error_type: str = ""  # of a defect; "" otherwise

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the column; any text that is no reason is the type of an error."""
        try:
            return cls(FailureReason(text))
        except ValueError:
            return cls(FailureReason.DEFECT, text)

    def __str__(self) -> str:
        return self.error_type or self.reason

    @property
    def is_limit(self) -> bool:
        return self.reason in (FailureReason.PERSON_LIMIT, FailureReason.GROUP_LIMIT)


NO_FAILURE = PortraitFailure()


class PhotoRole(StrEnum):
    """Which of a portrait's photos cannot be used."""

    NONE = ""
    PHOTO = "photo"
    BABY_PHOTO = "baby_photo"


class Expecting(StrEnum):
    """What the owner's next words are."""

    NOTHING = ""
    BREED = "breed"
    NAME = "name"


class Verdict(StrEnum):
    """What an owner thinks of a portrait at one age, the best first."""

    LOVE = "love"
    FINE = "fine"
    BAD = "bad"


class VerdictReason(StrEnum):
    """Why a verdict is bad."""

    EYES = "eyes"
    NOT_MINE = "not_mine"  # it is not like the owner's pet
    NOT_YOUNG = "not_young"
    BLURRY = "blurry"


UNKNOWN_MESSAGE = 0
"""Stands for a message whose number nobody knows: one that may have arrived, or has stayed behind in an old group."""


class Notice(StrEnum):
    """Messages about results, in addition to the status message."""

    DELIVERY_UNCERTAIN = "unsure"  # a result may not have arrived
    MEDIA_REFUSED = "refused"  # the chat accepts no pictures or films
    NOT_MADE = "sorry"  # a later request failed
    NO_PACK = "no_pack"  # the messenger makes no sticker set for this owner
    NO_WHOLE_PHOTO = "only_face"  # this photo has no whole picture
    NOT_TAKEN = "not_taken"  # the messenger can do nothing with a picture or film
    TOO_LARGE = "too_large"  # the messenger takes no film of this size, even made smaller
    SENT_HERE = "sent_here"  # the group takes no messages of ours, so its owner has it in private
    WHY = "why"  # asks why the owner's verdict is bad


class Record:
    """Built from a row of `table`, whose columns have the fields' names."""

    __slots__ = ()
    table: ClassVar[str]

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        return cls(**{field.name: _typed(field.type, row[field.name]) for field in fields(cls)})  # type: ignore[arg-type]


def _typed(kind: object, value: Any) -> Any:
    """Convert what SQLite has no type for: truth values, enumerations, failures."""
    if kind is PortraitFailure:
        return PortraitFailure.parse(value)
    return kind(value) if kind in (bool, State, Kind, PhotoRole, Expecting) and isinstance(kind, type) else value


@dataclass(frozen=True, slots=True)
class Person(Record):
    table = "people"
    id: int  # Telegram's; a group's for its anonymous administrators
    language: str | None  # chosen with /language
    telegram_language: str
    blocked: bool
    reachable: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class Group(Record):
    table = "groups"
    id: int
    present: bool
    daily_limit: int | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Pet(Record):
    """A pet that its owner named."""

    table = "pets"
    id: int
    owner: int
    name: str
    species: str
    breed: str
    baby_photo: str | None  # digest
    created_at: float
    used_at: float


@dataclass(frozen=True, slots=True)
class Portrait(Record):
    """One photo with its conversation, its job and its history. The migrations explain the columns."""

    table = "portraits"
    id: int
    owner: int
    chat: int
    topic: int | None
    message: int  # negative after its group became a supergroup: see `photo_message`
    album: str | None
    language: str
    state: State
    again_of: int | None
    file_id: str
    file_unique_id: str
    photo: str | None
    baby_file_id: str | None
    baby_album: str | None
    baby_message: int | None
    baby_photo: str | None
    recognition: str | None
    head: int | None
    species: str
    breed: str | None
    pet: int | None
    name: str
    anyway: bool
    age: float
    expected_text: Expecting
    status_message: int | None
    told: str
    latent: str | None
    network: str
    failure: PortraitFailure
    failed_photo: PhotoRole
    created_at: float
    changed_at: float
    queued_at: float | None
    started_at: float | None
    done_at: float | None
    photo_quality: str
    asked_why: bool
    album_message: int | None
    told_album: str
    go_on: bool
    together: int | None
    numbered: str | None
    release: str

    @property
    def in_group(self) -> bool:
        return self.chat < 0

    @property
    def photo_message(self) -> int | None:
        """The owner's message with the photo; None when it stayed behind as its group became a supergroup."""
        return self.message if self.message > 0 else None

    @property
    def announced(self) -> bool:
        """Whether the owner was told of the present state."""
        return self.told == self.state


class PortraitChanges(TypedDict, total=False):
    """The columns of a portrait that may be changed, apart from its state."""

    chat: int
    topic: int | None
    message: int
    album: str | None
    language: str
    file_id: str
    file_unique_id: str
    photo: str | None
    baby_file_id: str | None
    baby_album: str | None
    baby_message: int | None
    baby_photo: str | None
    recognition: str | None
    head: int | None
    species: str
    breed: str | None
    pet: int | None
    name: str
    anyway: bool
    age: float
    expected_text: Expecting
    status_message: int | None
    network: str
    failure: PortraitFailure
    failed_photo: PhotoRole
    queued_at: float | None
    photo_quality: str
    album_message: int | None
    told_album: str
    go_on: bool
    together: int | None
    numbered: str | None
    release: str


class PortraitFiles(TypedDict, total=False):
    """Contents of files, by the column that names them."""

    photo: bytes
    baby_photo: bytes
    latent: bytes
    numbered: bytes


@dataclass(frozen=True, slots=True)
class Result(Record):
    """A picture or film of a portrait at one age."""

    table = "results"
    id: int
    portrait: int
    age: float
    kind: Kind
    wanted: bool  # the owner asked for it
    digest: str | None  # None until it is made
    thumbnail: str | None
    width: int
    height: int
    duration_s: float
    message: int | None  # None until it is sent; `UNKNOWN_MESSAGE` when it was not, or may not have been
    file_id: str | None

    @property
    def missing(self) -> bool:
        """Whether it was sent in vain, or may not have arrived."""
        return self.message == UNKNOWN_MESSAGE


@dataclass(frozen=True, slots=True)
class AlbumPhoto(Record):
    """One photo of an album, in the owner's message."""

    table = "album_photos"
    message: int
    file_id: str
    file_unique_id: str
    added_at: float


@dataclass(frozen=True, slots=True)
class Sticker(Record):
    """A portrait's sticker in the set of this name, which had `before` stickers; "" is no id yet."""

    table = "stickers"
    portrait: int
    age: float
    name: str
    before: int
    file_id: str = ""


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How many portraits of this species, by this network and of photos of this quality got the verdict.

    With the network goes the release of Throwback that brought its weights.
    """

    verdict: Verdict
    species: str
    network: str
    photo_quality: str
    count: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was known of portraits at the moment they were deleted."""

    portraits: list[Portrait]
    messages: dict[int, list[int]]  # by chat, all that showed their results


@dataclass(frozen=True, slots=True)
class Made:
    """A result to be stored; `data` is a JPEG or MP4, `thumbnail` a JPEG."""

    kind: Kind
    age: float
    data: bytes
    wanted: bool = True
    thumbnail: bytes | None = None
    width: int = 0
    height: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Photo:
    """An incoming photo: who sent it, where, and how to fetch it."""

    owner: int
    chat: int
    message: int
    file_id: str
    language: str
    file_unique_id: str = ""
    topic: int | None = None
    album: str | None = None
    breed: str | None = None  # a slug, when the caption names it
    name: str = ""
    age: float = 1.0
