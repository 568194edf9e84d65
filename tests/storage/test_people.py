from dataclasses import replace
from pathlib import Path

from storage import Kind, State, Storage
from tests.storage.conftest import Clock
from tests.storage.test_media import kept
from tests.storage.test_portraits import MINE, queued


async def test_a_person_who_writes_again_is_reachable_again(storage: Storage) -> None:
    await storage.people.meet(7, "ko", storage.now())
    await storage.people.mark_unreachable(7)
    person = await storage.people.get(7)
    assert person is not None and not person.reachable
    assert (await storage.people.meet(7, "ko", storage.now())).reachable


async def test_a_chosen_language_stays_when_telegrams_changes(storage: Storage) -> None:
    await storage.people.meet(7, "ko", storage.now())
    await storage.people.choose_language(7, "de", "de")
    person = await storage.people.meet(7, "en", storage.now())
    assert (person.language, person.telegram_language) == ("de", "en")


async def test_forgetting_leaves_no_row_and_no_file(storage: Storage, tmp_path: Path) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.portraits.store_files(portrait.id, storage.now(), photo=b"photo", baby_photo=b"baby")
    await storage.pets.name(portrait.id, "Momo", storage.now())
    await storage.people.forget(7)
    assert await storage.people.get(7) is None
    assert await storage.portraits.of_owner(7) == []
    assert await storage.pets.of_owner(7) == []
    assert kept(tmp_path) == []


async def test_forgetting_does_not_lift_a_block(storage: Storage) -> None:
    await storage.people.block(7, storage.now())
    await storage.people.forget(7)
    assert await storage.people.blocked() == [7]
    await storage.people.unblock(7)
    assert await storage.people.blocked() == []


async def test_a_pet_keeps_its_breed_and_baby_photo(storage: Storage, clock: Clock) -> None:
    portrait, _ = await storage.portraits.receive(replace(MINE, breed="samoyed"), storage.now())
    await storage.portraits.store_files(portrait.id, storage.now(), baby_photo=b"baby")
    first = await storage.pets.name(portrait.id, "Momo", storage.now())
    clock.now += 1
    other, _ = await storage.portraits.receive(replace(MINE, message=101, breed="pug"), storage.now())
    second = await storage.pets.name(other.id, "Momo", storage.now())
    assert first and second and first.id == second.id
    assert (second.breed, second.baby_photo) == ("pug", first.baby_photo)
    named = await storage.portraits.get(other.id)
    assert named is not None and (named.pet, named.name) == (first.id, "Momo")
    await storage.portraits.delete(portrait.id)
    assert await storage.media.read(first.baby_photo or "") == b"baby"


async def test_use_is_counted_by_day(storage: Storage, clock: Clock) -> None:
    await storage.usage.count(7, storage.now())
    await storage.usage.count(7, storage.now())
    assert await storage.usage.today(7, storage.now()) == 2
    clock.now += 86_400
    assert await storage.usage.today(7, storage.now()) == 0


async def test_forgetting_does_not_lift_the_daily_limit_and_the_count_goes_with_its_day(
    storage: Storage, clock: Clock
) -> None:
    await storage.usage.count(7, storage.now())
    await storage.people.forget(7)
    assert await storage.usage.today(7, storage.now()) == 1
    clock.now += 86_400
    await storage.expire(0)
    assert await storage.usage.by_day(7) == {}


async def test_a_group_keeps_its_portraits_when_it_grows(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100, chat=-5)
    await storage.groups.limit(-5, 3, storage.now())
    await storage.groups.move(-5, -1005)
    moved = await storage.portraits.get(portrait.id)
    group = await storage.groups.get(-1005)
    assert moved is not None and moved.chat == -1005
    assert group is not None and group.daily_limit == 3
    assert await storage.groups.get(-5) is None


async def test_what_pointed_to_messages_of_the_group_points_nowhere_after_it_grew(storage: Storage) -> None:
    """The supergroup numbers its messages anew: an old number would be somebody else's message."""
    waiting = await queued(storage, 7, 1, chat=-5)
    asking, _ = await storage.portraits.receive(replace(MINE, chat=-5, message=2), storage.now())
    await storage.portraits.advance(asking.id, State.AWAITING_BREED, storage.now(), status_message=3)
    await storage.results.request(waiting.id, 1.0, (Kind.STILL,))
    (result,) = await storage.results.of(waiting.id)
    await storage.results.sent(result.id, 4, "file")
    await storage.messages.record(waiting.id, 7, 5)
    assert await storage.groups.move(-5, -1005) == [waiting.id, asking.id]
    for number in (1, 2, 3, 4):
        assert await storage.lookup.by_any_message(-1005, number) is None
    assert await storage.messages.of(waiting.id) == {-5: [0], 7: [5]}
    _, new = await storage.portraits.receive(replace(MINE, chat=-1005, message=1), storage.now())
    assert new
    assert await storage.groups.move(-5, -1005) == []  # both chats tell of it


async def test_a_groups_anonymous_administrators_move_with_it(storage: Storage) -> None:
    portrait, _ = await storage.portraits.receive(replace(MINE, owner=-5, chat=-5), storage.now())
    await storage.pets.name(portrait.id, "Momo", storage.now())
    await storage.usage.count(-5, storage.now())
    await storage.groups.move(-5, -1005)
    moved = await storage.portraits.get(portrait.id)
    assert moved is not None and (moved.owner, moved.name) == (-1005, "Momo")
    assert [pet.name for pet in await storage.pets.of_owner(-1005)] == ["Momo"]
    assert await storage.usage.today(-1005, storage.now()) == 1
    assert await storage.people.get(-5) is None


async def test_another_language_is_spoken_about_what_was_begun_too(storage: Storage) -> None:
    portrait, _ = await storage.portraits.receive(MINE, storage.now())
    await storage.people.choose_language(7, "de", "de")
    changed = await storage.portraits.get(portrait.id)
    assert changed is not None and changed.language == "de"


async def test_leaving_a_group_ends_what_was_open(storage: Storage) -> None:
    portrait = await queued(storage, 7, 100, chat=-5)
    await storage.portraits.store_files(portrait.id, storage.now(), photo=b"picture")
    await storage.groups.join(-5, storage.now())
    assert await storage.groups.leave(-5) == [portrait.id]
    (left,) = await storage.queue.unfinished()  # what is kept of it has to go
    assert left.state == "cancelled"
    await storage.portraits.erase(left.id)
    assert (await storage.counts()).media_bytes == 0


async def test_what_is_forgotten_is_not_left_in_the_file(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        portrait, _ = await storage.portraits.receive(MINE, storage.now())
        await storage.pets.name(portrait.id, "Schnurrdiburr", storage.now())
        await storage.people.forget(7)
        assert not written(tmp_path, b"Schnurrdiburr")


def written(home: Path, words: bytes) -> list[str]:
    """The files of the database in which these words can be read; its log is one of them."""
    return [path.name for path in home.glob("throwback.sqlite3*") if words in path.read_bytes()]
