"""What a log or an administrator may see of an error: types and places, never its words."""

import traceback
from pathlib import Path


def error_trail(error: BaseException) -> str:
    """Return the error's type and the last four places it came through, as ``file.py:line``, the newest first."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    return f"{type(error).__name__} at " + " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
