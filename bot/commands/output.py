"""What commands print: sentences for people on stderr, JSON for programs on stdout; and their errors."""

import json
import os
import sqlite3
import sys
from contextlib import suppress
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
    with suppress(AttributeError, OSError, ValueError):  # closed or full: there is nobody else to tell
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def complain(sentence: object) -> None:
    """Print why the program cannot go on."""
    say(f"throwback: {sentence}")


def emit(record: dict[str, Any]) -> None:
    """Print one JSON object for programs, on a line of its own. Raises `CommandError` where nothing can be printed."""
    if sys.stdout is None or sys.stdout.closed:
        raise CommandError("standard output is closed, and the result is to be printed there")
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "ascii")
    except UnicodeError:  # such as an emoji, or a name that is no text, where there is ASCII only
        line = json.dumps(record)
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        raise CommandError(f"standard output cannot be written to ({error.strerror})") from error


def abandon_stdout() -> None:
    """Send what is still to be written to standard output nowhere, so that closing it does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
