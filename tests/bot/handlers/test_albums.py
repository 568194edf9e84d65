from dataclasses import replace
from pathlib import Path

from bot.playground.request_parameters import Upload
from storage import Photo, State
from tests.bot.harness import Harness, User
from tests.scripted_engine import Script, scripted_photo


async def send_album(harness: Harness, user: User, *scripts: Script, caption: str = "") -> None:
    uploads = [
        Upload(f"{place}.jpg", "image/jpeg", scripted_photo(script, 200 - place))
        for place, script in enumerate(scripts)
    ]
    await harness.users.send(user.id, user.id, uploads, as_files=True, caption=caption)


async def test_of_an_album_the_best_photo_is_taken_and_said(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.DARK, Script.NO_FACE, Script.CAT, Script.CAT)
    question = await mina.sees("I took photo 3: the face shows best there. What a lovely cat!")
    await mina.press(question, "another of the photos")
    question = await mina.sees("All right, photo 4. What a lovely cat!")
    await mina.press(question, "Tabby")
    await mina.press(await mina.sees("Is one of the other photos the baby photo?", "Photo 1", "Photo 3"), "Photo 3")
    await mina.sees(video=True)
    (portrait,) = await harness.services.storage.portraits.of_owner(mina.id)
    assert portrait.baby_photo not in (None, portrait.photo)


async def test_a_weak_photo_of_an_album_that_its_owner_wants_is_not_called_weak(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.PLAIN, Script.DARK)
    await mina.press(await mina.sees("I took photo 1"), "another of the photos")
    await mina.sees("All right, photo 2. What a lovely dog!")


async def test_an_album_is_one_conversation(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.PLAIN, Script.PLAIN, caption="Samoyed")
    question = await mina.sees("second photo", "Yes, take it")
    await mina.press(question, "Yes, take it")
    await mina.sees(video=True)
    (portrait,) = await harness.services.storage.portraits.of_owner(mina.id)
    assert portrait.breed == "samoyed"
    assert portrait.baby_photo not in (None, portrait.photo)


async def test_the_second_photo_may_be_left_out(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.PLAIN, Script.PLAIN)
    await mina.answers(breed="Samoyed")
    await mina.press(await mina.sees("second photo"), "go on without one")
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).baby_photo is None


async def test_a_caption_added_to_a_photo_that_was_not_taken_changes_no_photo(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.DARK, Script.PLAIN)
    await mina.sees("I took photo 2")
    first = (await mina.portrait()).message
    await harness.users.edit(mina.id, mina.id, first, "Momo, Samoyed")
    await mina.sees("Samoyed, got it!", "second photo")
    portrait = await mina.portrait()
    assert (portrait.name, portrait.album_message) == ("Momo", first + 1)


async def test_a_better_photo_that_comes_late_is_taken(harness: Harness) -> None:
    mina = harness.user()
    other = await mina.send(Script.CAT, shade=60)
    await mina.press(await mina.sees("lovely cat"), "Cancel")
    await send_album(harness, mina, Script.DARK, Script.NO_FACE)
    question = await mina.sees("I took photo 1", "rather dark")
    portrait = await mina.portrait()
    late = Photo(mina.id, mina.id, 901, other["document"]["file_id"], "en", album=portrait.album)
    await harness.services.portraits.receive(late)
    better = await mina.sees("I took photo 3: the face shows best there. What a lovely cat!")
    assert better["message_id"] == question["message_id"]


async def test_photos_that_are_none_are_left_out(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.NOT_AN_IMAGE, Script.CAT)
    await mina.sees("I took photo 2: the face shows best there. What a lovely cat!")
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_an_album_of_baby_photos_is_one_answer(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    await send_album(harness, mina, Script.PLAIN, Script.PLAIN, Script.PLAIN)
    await mina.sees(video=True)
    (portrait,) = await harness.services.storage.portraits.of_owner(mina.id)
    assert portrait.baby_photo is not None


async def test_the_caption_may_stand_on_a_later_photo(harness: Harness) -> None:
    mina = harness.user()
    await send_album(harness, mina, Script.PLAIN, Script.PLAIN)
    question = await mina.sees("Samoyed")
    (portrait,) = await harness.services.storage.portraits.of_owner(mina.id)
    joined = replace(
        Photo(mina.id, mina.id, 900, "x", "en", album=portrait.album), breed="poodle", name="Momo"
    )  # the app puts it on the first, others do not
    await harness.services.portraits.receive(joined)
    asked = await mina.sees("Is one of the other photos the baby photo?")
    assert asked["message_id"] == question["message_id"]
    said = await mina.portrait()
    assert (said.breed, said.name) == ("poodle", "Momo")


async def test_an_album_above_the_limit_is_refused_once(tmp_path: Path) -> None:
    async with Harness(tmp_path, daily_limit=1) as harness:
        mina = harness.user()
        await mina.ask_for_portrait()
        await send_album(harness, mina, Script.PLAIN, Script.PLAIN, Script.PLAIN)
        await mina.sees("today's picture")
        await mina.write("/help")  # answered in order: after all that the album got
        await mina.sees("what I can do")
        assert len([message for message in harness.said_in(mina.id) if "today's" in message.get("text", "")]) == 1
