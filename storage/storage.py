"""Everything Throwback keeps, in one folder: an SQLite file and the media next to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from storage.album_photos import AlbumPhotos
from storage.database import Database
from storage.group_chats import Groups
from storage.media import Media
from storage.media_index import MediaIndex
from storage.people import People
from storage.pets import Pets
from storage.portrait_lookup import PortraitLookup
from storage.portrait_queue import PortraitQueue
from storage.portraits import Portraits
from storage.records import VerdictCount
from storage.results import Results
from storage.sent_messages import SentMessages
from storage.sticker_packs import StickerPacks
from storage.updates import Updates
from storage.usage import Usage
from storage.verdicts import Verdicts

_UPDATE_RESENT_S = 86_400.0  # s; for so long Telegram keeps an update that it could not deliver, and tries again


@dataclass(frozen=True, slots=True)
class Counts:
    """Figures for /stats and the metrics; those of the last 7 days say so."""

    people: int
    groups: int
    states: dict[str, int]  # portraits by state
    failures: dict[str, int]  # portraits by reason, the last 7 days
    median_s: float  # from queued to done, the last 7 days
    slowest_s: float
    media_bytes: int
    updates_aside: dict[str, int]  # updates that could not be handled, by kind; as long as portraits are kept
    verdicts: list[VerdictCount]  # as long as portraits are kept


class Storage:
    """Use as an async context manager; entering raises `NewerDatabase`. `clock` gives seconds since 1970.

    ```
    async with Storage(home) as storage:
        portrait, new = await storage.portraits.receive(photo, storage.now())
    ```
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self.now = clock
        self.media = Media(home / "media")
        self._database = Database(home / "throwback.sqlite3")
        self._media_index = MediaIndex(self._database, self.media)
        self.portraits = Portraits(self._database, self._media_index)
        self.albums = AlbumPhotos(self._database)
        self.lookup = PortraitLookup(self._database)
        self.queue = PortraitQueue(self._database)
        self.results = Results(self._database, self._media_index)
        self.messages = SentMessages(self._database)
        self.packs = StickerPacks(self._database)
        self.people = People(self._database, self._media_index)
        self.pets = Pets(self._database, self._media_index)
        self.groups = Groups(self._database, self._media_index)
        self.usage = Usage(self._database)
        self.verdicts = Verdicts(self._database)
        self.updates = Updates(self._database)

    async def __aenter__(self) -> Self:
        await self._database.__aenter__()
        try:
            await self._media_index.tidy()
        except BaseException:
            await self._database.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.__aexit__()

    async def paused(self) -> bool:
        """Return whether an administrator paused the work; a restart does not change it."""
        return await self._database.number("SELECT count(*) FROM switches WHERE name = 'paused'") > 0

    async def pause(self, on: bool) -> None:
        set_it = "INSERT INTO switches VALUES ('paused', '1') ON CONFLICT DO NOTHING"
        await self._database.execute(set_it if on else "DELETE FROM switches WHERE name = 'paused'")

    async def expire(self, before: float) -> None:
        """Delete portraits that nobody has touched since `before`, and counts of past days. Named pets stay."""
        await self.usage.forget_past_days(self.now())
        await self.updates.forget_handled(self.now() - _UPDATE_RESENT_S)
        await self.updates.forget_aside(before)
        await self.portraits.delete_older(before)

    async def counts(self) -> Counts:
        week = self.now() - 7 * 86_400
        states = await self._database.all("SELECT state, count(*) AS n FROM portraits GROUP BY state")
        failures = await self._database.all(
            "SELECT failure, count(*) AS n FROM portraits WHERE state = 'failed' AND changed_at > ? GROUP BY failure",
            (week,),
        )
        waits = await self._database.all(
            "SELECT done_at - queued_at AS s FROM portraits WHERE done_at > ? ORDER BY s", (week,)
        )
        times = [float(row["s"]) for row in waits]
        return Counts(
            people=await self._database.number("SELECT count(*) FROM people"),
            groups=await self._database.number("SELECT count(*) FROM groups WHERE present"),
            states={row["state"]: row["n"] for row in states},
            failures={row["failure"]: row["n"] for row in failures},
            median_s=times[len(times) // 2] if times else 0.0,
            slowest_s=times[-1] if times else 0.0,
            media_bytes=await self._media_index.size(),
            updates_aside=await self.updates.aside_by_kind(),
            verdicts=await self.verdicts.counts(),
        )
