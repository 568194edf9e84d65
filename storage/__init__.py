"""What Throwback remembers: rows in SQLite, media in files named by their content."""

from storage.records import (
    ASKING,
    OPEN,
    Group,
    Kind,
    Made,
    Person,
    Pet,
    Photo,
    Portrait,
    Result,
    State,
)
from storage.storage import Counts, Storage

__all__ = [
    "ASKING",
    "OPEN",
    "Counts",
    "Group",
    "Kind",
    "Made",
    "Person",
    "Pet",
    "Photo",
    "Portrait",
    "Result",
    "State",
    "Storage",
]
