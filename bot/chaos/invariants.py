"""What has to be true after chaos, whatever happened: nothing lost, nothing twice, nothing left over, nothing told."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.chaos.chat_log import ChatLog, FilmKey, SentPhoto
from bot.portraits.age_range import OLDEST_AGE, YOUNGEST_AGE
from bot.texts import LANGUAGES, words_for
from storage import UNKNOWN_MESSAGE, FailureReason, PortraitFailure, State

_FIRST_AGES = (f"{YOUNGEST_AGE:.2f}", f"{OLDEST_AGE:.2f}")  # of films that come without a press
_ENDS = (State.DONE, State.FAILED, State.CANCELLED)
_NOT_SENT = ("unsure", "refused", "not_taken", "too_large")  # what the bot says of results that did not arrive
_SHOWN = 3  # examples of each thing that is wrong

Row = Mapping[str, Any]


@dataclass(slots=True)
class CheckedInvariants:
    """What was checked, and what is wrong; both by the name of the invariant."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)

    def check(self, invariant: str, wrong: Iterable[str], count: int = 1) -> None:
        """Note that an invariant was checked for so many things, and those for which it does not hold."""
        self.counts[invariant] += count
        if found := list(wrong):
            more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
            self.broken.setdefault(invariant, []).extend([*found[:_SHOWN], *more])


class Rows:
    """The bot's database, read while the bot does not run."""

    def __init__(self, home: Path) -> None:
        with closing(sqlite3.connect(f"file:{home / 'throwback.sqlite3'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row

            def all_of(table: str) -> list[Row]:
                return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608 (our own words)

            self.portraits = {row["id"]: row for row in all_of("portraits")}
            self.results = all_of("results")
            self.notices = all_of("notices")
            self.people = all_of("people")
            self.pets = all_of("pets")
            self.updates = {row["id"]: row for row in all_of("updates")}
            self.aside = all_of("set_aside")
            self.media = {row["digest"] for row in all_of("media")}
            self.unused = {row["digest"] for row in all_of("unused_media")}
            self.sticker_sets = all_of("sticker_sets")


def check_updates(checked: CheckedInvariants, rows: Rows, confirmed: range) -> None:
    """Each update that Telegram handed over was handled, or set aside."""
    lost = [id_ for id_ in confirmed if id_ not in rows.updates]
    open_ = [id_ for id_, row in rows.updates.items() if row["handled_at"] is None]
    checked.check(
        "no update lost", [*(f"update {id_}" for id_ in lost), *(f"unhandled {id_}" for id_ in open_)], len(confirmed)
    )
    kept = [f"update {id_}" for id_, row in rows.updates.items() if row["handled_at"] is not None and row["body"]]
    checked.check("no update kept", kept, len(rows.updates))


def check_portraits(checked: CheckedInvariants, rows: Rows, log: ChatLog) -> Counter[str]:
    """Each portrait is at an end that its owner was told; return how many ended how."""
    noted = {row["portrait"] for row in rows.notices}
    wrong, outcomes = [], Counter[str]()
    for id_, row in rows.portraits.items():
        outcomes[_outcome(row)] += 1
        if row["state"] not in _ENDS:
            wrong.append(f"portrait {id_} is {row['state']}")
        elif row["told"] != row["state"]:
            wrong.append(f"portrait {id_} is {row['state']}, and that was not said")
        elif id_ in noted:
            wrong.append(f"portrait {id_} has a notice to be said")
    outcomes["deleted by their owner"] = len(log.deleted - rows.portraits.keys())
    checked.check("each portrait at an end, and said", wrong, len(rows.portraits))
    given_up = [
        f"portrait {id_}"
        for id_, row in rows.portraits.items()
        if row["failure"] == FailureReason.CHAT_GONE and row["chat"] > 0 and row["owner"] not in log.blocked
    ]
    checked.check("nobody given up who is there", given_up, len(rows.portraits))
    return outcomes


def _outcome(row: Row) -> str:
    failure = PortraitFailure.parse(row["failure"]).reason
    if row["state"] == State.FAILED:
        return "nobody there" if failure is FailureReason.CHAT_GONE else f"refused: {failure}"
    return str(row["state"])


def check_photos(checked: CheckedInvariants, rows: Rows, log: ChatLog) -> None:
    """Each photo led to a portrait, belongs to one as a baby photo or of an album, or went with its owner's wish."""
    files = {row["file_unique_id"] for row in rows.portraits.values()} - {""}
    originals = {(row["chat"], row["message"]) for row in rows.portraits.values()}
    babies = {(row["chat"], row["baby_message"]) for row in rows.portraits.values()}
    albums = {(row["chat"], album) for row in rows.portraits.values() for album in (row["album"], row["baby_album"])}
    # A baby photo that could not be used was asked for again, and another took its place.
    replaced = [
        (row["chat"], row["message"], row["baby_message"]) for row in rows.portraits.values() if row["baby_message"]
    ]
    moved = {row["owner"] for row in rows.portraits.values() if row["message"] < 0}  # to another chat: no number there
    deleters = {photo.owner for photo in log.photos if log.portraits.get((photo.chat, photo.message)) in log.deleted}

    def answered(photo: SentPhoto) -> bool:
        place = (photo.chat, photo.message)
        return (
            place in originals
            or photo.file in files  # it took the place of a weak one
            or place in babies
            or (photo.album is not None and (photo.chat, photo.album) in albums)
            or place in log.replied
            or place in log.withdrawn  # what refuses a photo that is gone from the chat points at nothing
            or any(chat == photo.chat and first < photo.message < last for chat, first, last in replaced)
            or photo.owner in log.forgotten | moved | deleters
        )

    lost = [f"photo {one.message} in chat {one.chat}" for one in log.photos if not answered(one)]
    checked.check("each photo answered", lost, len(log.photos))


def check_results(checked: CheckedInvariants, rows: Rows, log: ChatLog) -> None:
    """Each result that was wanted arrived, or it was said that it may not have; no film came twice unasked."""
    missing, wanted = [], 0
    shown = {film for _, film in log.shown}
    excuses = _excuses()
    for row in rows.results:
        portrait = rows.portraits[row["portrait"]]
        if not row["wanted"] or portrait["state"] != State.DONE:
            continue
        wanted += 1
        if row["message"] is None:
            missing.append(f"{row['kind']} of portrait {portrait['id']} is still to be sent")
        elif row["message"] == UNKNOWN_MESSAGE:
            nobody_there = portrait["owner"] in log.blocked or portrait["chat"] in log.left_groups
            if not nobody_there and not log.said[portrait["chat"]] & excuses:
                missing.append(f"{row['kind']} of portrait {portrait['id']} did not arrive, and nobody said so")
        elif row["kind"] == "film":
            film = FilmKey(portrait["id"], f"{row['age']:.2f}")  # in its group, before that took no more of ours
            if film not in shown:
                missing.append(f"film of portrait {portrait['id']} is noted as sent, and was not")
    checked.check("each result sent, or said", missing, wanted)
    twice = []
    for key in {key for _, key in log.films}:
        came = sum(count for (_, other), count in log.films.items() if other == key)
        if came > log.requested[key] + (key.age in _FIRST_AGES):
            twice.append(f"film of portrait {key.portrait} at {key.age}: {came} for {log.requested[key]} presses")
    checked.check("no film twice", twice, sum(log.films.values()))


def _excuses() -> set[str]:
    """Return what the bot says of results that did not arrive, in every language."""
    spoken = [words_for(language) for language in LANGUAGES]
    return {words(f"result.{key}", button=words("button.retry")) for words in spoken for key in _NOT_SENT}


def check_files(checked: CheckedInvariants, rows: Rows, home: Path) -> None:
    """Each row's file is there, and each file is a row's."""
    here = {path.name for path in (home / "media").glob("*/*")}
    checked.check("no row without its file", [f"{one[:8]}…" for one in rows.media - here], len(rows.media))
    checked.check("no file without its row", [f"{one[:8]}…" for one in here - rows.media], len(here))
    checked.check("no file that nothing names", [f"{one[:8]}…" for one in rows.unused], len(rows.media))


def check_forgotten(checked: CheckedInvariants, rows: Rows, log: ChatLog, home: Path, marks: Mapping[int, str]) -> None:
    """Of those who asked to be forgotten there is no row, and none of their words or photos in any file."""
    owned = (*rows.portraits.values(), *rows.pets, *rows.sticker_sets)
    known = {row["owner"] for row in owned} | {row["id"] for row in rows.people}
    left = [f"a row about {id_}" for id_ in log.forgotten if id_ in known]
    sought = {id_: mark.encode() for id_, mark in marks.items() if id_ in log.forgotten}
    for path in (path for path in home.rglob("*") if path.is_file() and not path.is_symlink()):
        content = path.read_bytes()
        left += [
            f"words or a photo of {id_} in {path.relative_to(home)}" for id_, mark in sought.items() if mark in content
        ]
    checked.check("nothing left of the forgotten", left, len(log.forgotten))


def check_log(checked: CheckedInvariants, log_file: Path, secrets: Sequence[str]) -> Counter[str]:
    """No secret is in the log, and no defect of ours; return how many lines it has of each kind of error."""
    lines = log_file.read_text("utf-8", "replace").splitlines()
    told = [f"line {number}" for number, line in enumerate(lines, 1) if any(secret in line for secret in secrets)]
    checked.check("no name, text or token in the log", told, len(lines))
    defects = ("an update failed", "could not be looked at", "is left as it is", "Traceback", "callback of", "failed:")
    found = Counter(defect for line in lines for defect in defects[:-1] if defect in line)
    wrong = [line for line in lines if any(defect in line for defect in defects)]
    checked.check("no defect in the log", [line[:300] for line in wrong], len(lines))
    return found
