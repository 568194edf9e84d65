"""What Throwback remembers: rows in SQLite, media in files named by their content."""

from storage.database import NewerDatabase, newest_migration
from storage.records import (
    ASKING_STATES,
    OPEN_STATES,
    Deleted,
    Group,
    Kind,
    Made,
    Notice,
    Person,
    Pet,
    Photo,
    Portrait,
    Result,
    State,
)
from storage.storage import Counts, Storage

__all__ = [
    "ASKING_STATES",
    "OPEN_STATES",
    "Counts",
    "Deleted",
    "Group",
    "Kind",
    "Made",
    "NewerDatabase",
    "Notice",
    "Person",
    "Pet",
    "Photo",
    "Portrait",
    "Result",
    "State",
    "Storage",
    "newest_migration",
]
