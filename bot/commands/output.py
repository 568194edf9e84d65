"""What commands print: sentences for people on stderr, JSON for programs on stdout; and their errors."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from engine import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason

PHOTO_STATUS = 3  # exit status for a photo that cannot be used
USAGE_STATUS = 2  # for a bad command line
CONFIGURATION_STATUS = 78  # EX_CONFIG: a person has to do something; starting again is of no use
FAULT_STATUS = 1  # for everything else

SENTENCES = {
    PhotoReason.NOT_AN_IMAGE: "this is not a picture that Throwback can read",
    PhotoReason.UNREADABLE: "the picture is damaged or cut off",
    PhotoReason.TOO_LARGE: "the picture is too large",
    PhotoReason.TOO_SMALL: "the picture is too small, or too long and narrow, to show a face",
    PhotoReason.NO_PET: "no dog or cat can be seen in it (--anyway tries regardless)",
    PhotoReason.NO_FACE: "the face cannot be seen well enough (--anyway tries regardless)",
}


class CommandError(Exception):
    """A command cannot do what it was asked to.

    The text is a sentence for people, `status` the exit status, and `code` what JSON calls the error.
    """

    def __init__(self, sentence: str, status: int = FAULT_STATUS, code: str = "fault") -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


def say(text: str) -> None:
    """Print one line for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(sentence: object) -> None:
    """Print why the program cannot go on."""
    say(f"throwback: {sentence}")


def emit(record: dict[str, Any]) -> None:
    """Print one JSON object for programs, on a line of its own."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def explain_database(error: sqlite3.Error, folder: Path) -> str:
    """Return why the database in `folder` cannot be opened, and what to do; raises a defect of ours again."""
    if isinstance(error, sqlite3.OperationalError):
        return f"{folder} cannot be written to, or its disk is full; THROWBACK_HOME chooses another folder"
    if type(error) is not sqlite3.DatabaseError:
        raise error
    return f"the database in {folder} is damaged; move it away, with what lies beside it, or bring back a copy of it"


def explain(error: EngineError, photo: str = "") -> CommandError:
    """Return an error of the engine as one to print; `photo` is what the user called the photo."""
    if isinstance(error, PhotoError):
        sentence = SENTENCES[error.reason]
        return CommandError(f"{photo}: {sentence}" if photo else sentence, PHOTO_STATUS, error.reason.value)
    if isinstance(error, EngineStopped):
        return CommandError("the engine was stopped before it was done", code="stopped")
    if isinstance(error, OperatorError):
        return CommandError(error.sentence)
    kind = error.kind if isinstance(error, EngineFault) else type(error).__name__
    return CommandError(f"something went wrong in the engine ({kind}); `throwback doctor` may know more")
