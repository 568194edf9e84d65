"""What can go wrong in the engine, as callers tell it apart.

EngineError
├── PhotoError      the sender can mend it; carries a `PhotoReason`
├── EngineStopped   nobody's fault (shutdown, restart, cancel); the work can be done again
├── OperatorError   whoever runs the engine can mend it; its sentence says what to do
│   └── NetworkError    a network cannot be read, fetched or found
└── EngineFault     a defect of ours; carries a short kind
"""

from enum import StrEnum


class PhotoReason(StrEnum):
    """Why a photo cannot be used; every reason has a sentence in every language."""

    NOT_AN_IMAGE = "not_an_image"  # no known picture format
    UNREADABLE = "unreadable"  # a picture format, but corrupt or cut off
    TOO_LARGE = "too_large"  # more pixels or bytes than we are willing to decode
    TOO_SMALL = "too_small"  # too few pixels to show a face
    NO_PET = "no_pet"  # neither a dog nor a cat was recognised
    NO_FACE = "no_face"  # a pet, but no face that can be aligned


class EngineError(Exception):
    """Base of everything the engine raises on purpose."""


class PhotoError(EngineError):
    """The photo cannot be used; the sender can mend it.

    `which` says whose photo: ``"photo"`` or ``"baby_photo"``.
    """

    def __init__(self, reason: PhotoReason, which: str = "photo") -> None:
        super().__init__(f"{which}: {reason.value}")
        self.reason = reason
        self.which = which


class EngineStopped(EngineError):
    """The engine stopped, or the request was cancelled, before an answer; nothing is wrong with it."""


class OperatorError(EngineError):
    """Whoever runs the engine can mend it: a missing device, an unknown network, a damaged file, a full disk.

    `sentence` says what is wrong and what to do. It is shown as it is, and quotes nothing of a photo.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NetworkError(OperatorError):
    """A network cannot be read, fetched or found."""


class EngineFault(EngineError):
    """A defect of ours. `kind` names it in a few words, never with a path, a photo or a token."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
