import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from storage import FailureReason, Kind, Made, Photo, Portrait, PortraitFailure, State, Storage
from tests.storage.conftest import Clock

MINE = Photo(owner=7, chat=7, message=100, file_id="photo-1", language="ko")


async def queued(storage: Storage, owner: int, message: int, chat: int | None = None) -> Portrait:
    photo = replace(MINE, owner=owner, chat=chat or owner, message=message)
    portrait, _ = await storage.portraits.receive(photo, storage.now())
    await storage.portraits.advance(portrait.id, State.AWAITING_BREED, storage.now())
    moved = await storage.portraits.advance(portrait.id, State.QUEUED, storage.now())
    assert moved is not None
    return moved


async def test_the_same_message_twice_is_one_portrait(storage: Storage) -> None:
    first, new = await storage.portraits.receive(MINE, storage.now())
    second, new_again = await storage.portraits.receive(MINE, storage.now())
    assert (first, new, new_again) == (second, True, False)
    assert first.state is State.RECEIVED


async def test_again_makes_another_portrait_of_the_same_photo(storage: Storage) -> None:
    first, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.store_files(first.id, storage.now(), photo=b"picture")
    first = await storage.portraits.get(first.id) or first
    again = await storage.portraits.again(first, None, storage.now())
    assert (again.photo, again.message, again.again_of, again.state) == (first.photo, 100, first.id, State.RECEIVED)


@pytest.mark.parametrize("deleting", ["delete", "forget", "expire"])
async def test_a_photo_made_again_twice_can_be_deleted(storage: Storage, clock: Clock, deleting: str) -> None:
    first, _ = await storage.portraits.receive(MINE, storage.now())
    others = [await storage.portraits.again(first, None, storage.now()) for _ in range(2)]
    match deleting:
        case "delete":
            await storage.portraits.delete(first.id)
        case "forget":
            await storage.people.forget(MINE.owner)
        case "expire":
            for other in others:
                clock.now += 3600
                await storage.portraits.change(other.id, storage.now())
            await storage.expire(storage.now() - 1800)
    left = [portrait.id for portrait in await storage.portraits.of_owner(MINE.owner)]
    assert left == {"delete": [one.id for one in others], "forget": [], "expire": [others[1].id]}[deleting]


async def test_only_one_of_many_presses_moves_a_portrait(storage: Storage) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.advance(portrait.id, State.AWAITING_BREED, storage.now())
    presses = [
        storage.portraits.advance(portrait.id, State.AWAITING_BABY_PHOTO, storage.now(), breed="samoyed")
        for _ in range(5)
    ]
    moved = [answer for answer in await asyncio.gather(*presses) if answer]
    assert [one.breed for one in moved] == ["samoyed"]


async def test_a_finished_portrait_cannot_be_cancelled(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100)
    assert await storage.queue.start_next(storage.now())
    assert await storage.results.finish(portrait.id, b"latent", [], storage.now())
    assert await storage.portraits.advance(portrait.id, State.DONE, storage.now())
    assert await storage.portraits.advance(portrait.id, State.CANCELLED, storage.now()) is None


async def test_unknown_columns_are_refused(storage: Storage) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    with pytest.raises(TypeError, match="colour"):
        await storage.portraits.change(portrait.id, storage.now(), colour="red")  # type: ignore[call-arg]


async def test_the_queue_is_fair(storage: Storage, clock: Clock) -> None:
    order = [(1, 10), (1, 11), (1, 12), (2, 20), (3, 30), (2, 21)]
    for owner, message in order:
        await queued(storage, owner, message)
        clock.now += 1
    assert [one.message for one in await storage.queue.waiting()] == [10, 20, 30, 11, 21, 12]


async def test_one_portrait_runs_for_each_person_and_group(storage: Storage, clock: Clock) -> None:
    for owner, message, chat in [(1, 10, 1), (1, 11, 1), (2, 20, -5), (3, 30, -5), (4, 40, 4)]:
        await queued(storage, owner, message, chat)
        clock.now += 1
    started = []
    while portrait := await storage.queue.start_next(storage.now()):
        started.append(portrait)
    assert [one.message for one in started] == [10, 20, 40]
    assert all(one.state is State.RUNNING and one.started_at == clock.now for one in started)
    await storage.portraits.advance(started[1].id, State.FAILED, storage.now())
    freed = await storage.queue.start_next(storage.now())
    assert freed is not None and freed.message == 30


async def test_results_and_files_outlive_a_restart_and_are_sent_once(tmp_path: Path, clock: Clock) -> None:
    async with Storage(tmp_path, clock) as storage:
        portrait = await queued(storage, 7, 100)
        await storage.queue.start_next(storage.now())
        made = [
            Made(Kind.FILM, 1.0, b"film", thumbnail=b"thumb", width=512, height=512, duration_s=5.0),
            Made(Kind.STILL, 1.0, b"still"),
            Made(Kind.CARD, 1.0, b"card", wanted=False),
        ]
        assert await storage.results.finish(portrait.id, b"latent", made, storage.now(), breed="samoyed")
        still = (await storage.results.unsent(portrait.id))[0]
        await storage.results.sent(still.id, 500, "file-still")
    async with Storage(tmp_path, clock) as storage:
        (left,) = await storage.queue.unfinished()
        assert (left.state, left.breed) == (State.DELIVERING, "samoyed")
        (film,) = await storage.results.unsent(left.id)
        assert (film.kind, film.width, film.duration_s) == (Kind.FILM, 512, 5.0)
        assert film.digest and await storage.media.read(film.digest) == b"film"
        assert left.latent and await storage.media.read(left.latent) == b"latent"


async def test_wishes_are_made_and_then_sent(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100)
    await storage.queue.start_next(storage.now())
    await storage.results.finish(portrait.id, b"latent", [], storage.now())
    await storage.portraits.advance(portrait.id, State.DONE, storage.now())
    wanted = await storage.results.request(portrait.id, 1.35, [Kind.STILL])
    assert [one.digest for one in wanted] == [None]
    assert await storage.results.ids_with_open_requests() == [portrait.id]
    assert await storage.results.add(portrait.id, [Made(Kind.STILL, 1.35, b"more")], storage.now())
    (still,) = await storage.results.unsent(portrait.id)
    await storage.results.sent(still.id, 501, "file")
    assert await storage.results.ids_with_open_requests() == []
    (again,) = await storage.results.request(portrait.id, 1.35, [Kind.STILL])
    assert (again.message, again.file_id) == (None, "file")


async def test_every_message_with_a_result_is_known_until_the_portrait_is_deleted(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100)
    for message in (500, 501):
        (card,) = await storage.results.request(portrait.id, 1.0, [Kind.CARD])
        await storage.results.sent(card.id, message, "file")
    await storage.results.not_sent(card)
    assert await storage.messages.of(portrait.id) == {7: [500, 501]}
    found = await storage.lookup.by_any_message(7, 500)
    assert found is not None and found.id == portrait.id
    deleted = await storage.portraits.delete(portrait.id)
    assert deleted.messages == {7: [500, 501]}
    assert [one.id for one in deleted.portraits] == [portrait.id]
    await storage.results.sent(card.id, 502, "file")  # it was on its way
    assert await storage.messages.of(portrait.id) == {}


async def test_a_message_that_turns_to_another_portrait_is_the_first_ones_no_more(storage: Storage) -> None:
    one, other = await queued(storage, 7, 100), await queued(storage, 7, 101)
    await storage.messages.move_gallery(one.id, 7, 500)
    await storage.messages.move_gallery(other.id, 7, 500)
    assert await storage.messages.of(one.id) == {}
    assert await storage.messages.of(one.id, other.id) == {7: [500]}


async def test_a_message_leads_to_its_portrait(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100)
    await storage.portraits.change(portrait.id, storage.now(), status_message=101)
    for message in (100, 101):
        found = await storage.lookup.by_any_message(7, message)
        assert found is not None and found.id == portrait.id
    assert await storage.lookup.by_any_message(8, 100) is None


async def test_old_portraits_expire_and_running_ones_stay(storage: Storage, clock: Clock) -> None:
    old, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.store_files(old.id, storage.now(), photo=b"old")
    running = await queued(storage, 8, 1)
    await storage.queue.start_next(storage.now())
    clock.now += 40 * 86_400
    fresh, _ = await storage.portraits.receive(replace(MINE, message=101), storage.now())
    before = storage.now() - 30 * 86_400
    assert [portrait.id for portrait in await storage.portraits.older(before)] == [old.id]
    await storage.expire(before)
    assert await storage.portraits.get(old.id) is None
    assert await storage.portraits.get(running.id) and await storage.portraits.get(fresh.id)
    assert (await storage.counts()).media_bytes == 0


@pytest.mark.parametrize(
    ("column", "failure"),
    [
        ("", PortraitFailure()),
        ("no_pet", PortraitFailure(FailureReason.NO_PET)),
        ("limit_person", PortraitFailure(FailureReason.PERSON_LIMIT)),
        ("chat_gone", PortraitFailure(FailureReason.CHAT_GONE)),
        ("ZeroDivisionError", PortraitFailure(FailureReason.DEFECT, "ZeroDivisionError")),
    ],
)
async def test_why_a_portrait_failed_is_read_as_it_was_written(
    storage: Storage, tmp_path: Path, column: str, failure: PortraitFailure
) -> None:
    """The column has held these texts from the beginning."""
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    failed = await storage.portraits.advance(portrait.id, State.FAILED, storage.now(), failure=failure)
    assert failed is not None and failed.failure == failure
    with closing(sqlite3.connect(tmp_path / "throwback.sqlite3")) as connection:
        assert connection.execute("SELECT failure FROM portraits").fetchone() == (column,)
