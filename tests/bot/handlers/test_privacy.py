import io
import json
import os
import zipfile

from storage import State
from tests.bot.harness import Harness, Json, eventually
from tests.scripted_engine import Script


async def test_privacy_in_plain_words(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("/privacy")
    await mina.sees(
        "deleted after 30 days", "/forgetme", "two days at most", "even after /forgetme", "not your phone number"
    )


def unzipped(harness: Harness, message: Json) -> dict[str, bytes]:
    """The files in the archive that a message brings, by name."""
    stored = harness.telegram.files
    data = stored.location(stored.find(message["document"]["file_id"])).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_my_data_holds_rows_and_files(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait_in(State.DONE)
    await mina.write("/mydata")
    files = unzipped(harness, await mina.sees("everything I know", document=True))
    rows = json.loads(files["data.json"])
    assert {"data.json", f"{portrait.id}/photo.jpg", f"{portrait.id}/film-1.00.mp4"} <= files.keys()
    assert rows["files"][portrait.photo] == f"{portrait.id}/photo.jpg"
    assert rows["portraits"][0]["breed"] == "samoyed"
    assert film["message_id"] in rows["portraits"][0]["messages"][str(mina.id)]
    assert rows["person"]["id"] == mina.id


async def test_my_data_holds_files_of_a_clock_that_was_wrong(harness: Harness) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    for path in (harness.settings.home / "media").glob("*/*"):
        os.utime(path, (0, 0))  # as on a machine without a clock of its own that has just been started
    await mina.write("/mydata")
    assert len(unzipped(harness, await mina.sees("everything I know", document=True))) > 1


async def test_my_data_is_whole_however_much_it_is_and_holds_nothing_twice(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=90)
    film = await mina.sees(video=True)
    await mina.portrait_in(State.DONE)
    await mina.name_pet(film, "Momo")
    await mina.press_more(film, "Other breed")
    await mina.portrait_in(State.AWAITING_BABY_PHOTO)
    stored = [path.read_bytes() for path in (harness.settings.home / "media").glob("*/*") if path.is_file()]
    harness.services.accounts.max_archive_bytes = 5_000
    await mina.write("/mydata")
    first = await mina.sees("part 1 of", document=True)
    count = int(first["caption"].rstrip(".").split()[-1])
    parts = [unzipped(harness, await mina.sees(f"part {number} of {count}")) for number in range(1, count + 1)]
    assert count > 1 and "data.json" in parts[0]
    found = [(name, data) for part in parts for name, data in part.items() if name != "data.json"]
    assert sorted(data for _, data in found) == sorted(stored)
    assert {name.partition(".")[2] for name, _ in found} >= {"jpg", "safetensors"}
    assert all("." in name for name, _ in found)
    assert found[-1][0].endswith("latent.safetensors")


async def test_forget_me_leaves_nothing(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    await mina.ask_for_portrait()
    await joon.ask_for_portrait(shade=77)
    await joon.portrait_in(State.DONE)
    await mina.write("/forgetme")
    await mina.press(await mina.sees("Shall I delete everything"), "No, keep it")
    kept = await mina.sees("stays as it is")
    await mina.write("/forgetme")
    await mina.press(await harness.message_after(mina.id, kept, "Shall I delete"), "Yes, delete everything")
    await mina.sees("I don't know you any more")
    storage = harness.services.storage
    assert await storage.people.get(mina.id) is None
    assert await storage.portraits.of_owner(mina.id) == []
    left = await storage.portraits.of_owner(joon.id)
    assert left[0].photo and await storage.media.read(left[0].photo)


async def test_forgetting_stops_what_is_under_way(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Getting to know")
    await mina.write("/forgetme")
    await mina.press(await mina.sees("Shall I delete"), "Yes, delete everything")
    done = await mina.sees("I don't know you any more")
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []
    assert harness.said_in(mina.id) == [done]


async def test_no_name_can_be_read_in_the_database_any_more(harness: Harness) -> None:
    mina = harness.user("Wilhelmina")
    await mina.name_pet(await mina.ask_for_portrait(), "Zaphodbeeblebrox")
    await mina.write("/forgetme")
    await mina.press(await mina.sees("Shall I delete"), "Yes, delete everything")
    await mina.sees("I don't know you any more")

    async def unreadable() -> bool:
        written = [path.read_bytes() for path in harness.settings.home.glob("throwback.sqlite3*")]
        return not any(name in data for data in written for name in (b"Wilhelmina", b"Zaphodbeeblebrox"))

    await eventually(unreadable)


async def test_forgetting_takes_what_was_said_out_of_the_chats(harness: Harness) -> None:
    mina = harness.user()
    family = harness.group(mina)
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.write("/history")
    await mina.sees("Photo 1 of 1")
    await mina.send(chat=family.id, caption="/young@throwback_bot samoyed", shade=90)
    await mina.answers(baby=None, chat=family.id)
    await harness.message(family.id, video=True)
    await mina.portraits_in(State.DONE, 2)
    await mina.send(shade=60)
    await mina.sees("Nice to see Momo again!")
    await mina.write("/forgetme")
    answer = await mina.press(await mina.sees("Shall I delete"), "Yes, delete everything")
    assert not answer.get("text")
    done = await mina.sees("I don't know you any more")
    assert harness.said_in(mina.id) == [done]
    assert harness.said_in(family.id) == []


async def test_what_is_too_old_to_be_taken_back_is_owned_up_to(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    harness.telegram.world.messages[mina.id][film["message_id"]].content["date"] -= 3 * 86_400
    await mina.write("/forgetme")
    answer = await mina.press(await mina.sees("Shall I delete"), "Yes, delete everything")
    assert answer["show_alert"] and "please delete that yourself" in answer["text"]
    assert [one["message_id"] for one in harness.said_in(mina.id) if "video" in one] == [film["message_id"]]
    await mina.sees("I don't know you any more")


async def test_the_log_has_no_token_name_or_photo(harness: Harness, caplog: object) -> None:
    mina = harness.user("Wilhelmina")
    await mina.ask_for_portrait()
    log = caplog.text  # type: ignore[attr-defined]
    assert harness.settings.token not in log
    assert "Wilhelmina" not in log
