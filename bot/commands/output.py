"""What commands say: words for people on stderr, JSON for programs on stdout, and the exit status that goes with it."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from engine import EngineError, EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason

PHOTO_STATUS = 3  # exit status for a photo that cannot be used
FAULT_STATUS = 1
USAGE_STATUS = 2

SENTENCES = {
    PhotoReason.NOT_AN_IMAGE: "this is not a picture that Throwback can read",
    PhotoReason.UNREADABLE: "the picture is damaged or cut off",
    PhotoReason.TOO_LARGE: "the picture is too large",
    PhotoReason.TOO_SMALL: "the picture is too small, or too long and narrow, to show a face",
    PhotoReason.NO_PET: "no dog or cat can be seen in it (--anyway tries regardless)",
    PhotoReason.NO_FACE: "the face cannot be seen well enough (--anyway tries regardless)",
}


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def emit(record: dict[str, Any]) -> None:
    """One JSON object for programs, on a line of its own."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def explain_database(error: sqlite3.Error, folder: Path) -> str:
    """Why the database in this folder cannot be opened, and what to do. Raises what is a defect of ours again."""
    if isinstance(error, sqlite3.OperationalError):
        return f"{folder} cannot be written to, or its disk is full; THROWBACK_HOME chooses another folder"
    if type(error) is not sqlite3.DatabaseError:
        raise error
    return f"the database in {folder} is damaged; move it away, with what lies beside it, or bring back a copy of it"


def explain(error: EngineError, photo: str = "") -> tuple[str, str, int]:
    """An error's code, its sentence and its exit status. `photo` is what the person called the photo."""
    if isinstance(error, PhotoError):
        return (
            error.reason.value,
            f"{photo}: {SENTENCES[error.reason]}" if photo else SENTENCES[error.reason],
            PHOTO_STATUS,
        )
    if isinstance(error, EngineStopped):
        return "stopped", "the engine was stopped before it was done", FAULT_STATUS
    if isinstance(error, OperatorError):
        return "fault", error.sentence, FAULT_STATUS
    kind = error.kind if isinstance(error, EngineFault) else type(error).__name__
    return "fault", f"something went wrong in the engine ({kind}); `throwback doctor` may know more", FAULT_STATUS
