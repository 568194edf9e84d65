from bot.playground.request_parameters import Upload
from tests.bot.harness import Harness
from tests.scripted_engine import Script, scripted_photo


async def test_start_and_help(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("/start")
    await mina.sees("Hello! 🐾 Send me a photo")
    await mina.write("/help")
    await mina.sees("/history", "/forgetme")


async def test_words_where_nothing_was_asked(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("hi there")
    await mina.sees("Send me a photo of your pet")


async def test_cancel_stops_everything_of_this_person(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("/cancel")
    nothing = await mina.sees("nothing to stop")
    await mina.send(Script.HOLD)
    await mina.sees("Samoyed")
    await mina.write("/cancel")
    await harness.message_after(mina.id, nothing, "I stopped")


async def test_files_that_are_no_pictures(harness: Harness) -> None:
    mina = harness.user()
    await harness.users.send(mina.id, mina.id, [Upload("notes.pdf", "application/pdf", b"%PDF-1.7")], as_files=True)
    await mina.sees("I need a photo of your pet")
    assert await harness.services.storage.portraits.of_owner(mina.id) == []


async def test_heic_comes_as_a_file_without_a_type(harness: Harness) -> None:
    mina = harness.user()
    heic = Upload("IMG_0001.HEIC", "application/octet-stream", scripted_photo())
    await harness.users.send(mina.id, mina.id, [heic], as_files=True)
    await mina.sees("Samoyed")


async def test_what_is_too_large_is_refused_before_it_is_fetched(harness: Harness) -> None:
    mina = harness.user()
    large = Upload("large.jpg", "image/jpeg", bytes(21 * 1024 * 1024))
    await harness.users.send(mina.id, mina.id, [large], as_files=True)
    await mina.sees("too big for me")
    assert all(call.method != "getFile" for call in harness.telegram.calls)


async def test_a_forwarded_photo_is_a_photo(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    photo = await joon.send()
    await joon.sees("Samoyed")
    await harness.users.forward(mina.id, joon.id, photo["message_id"], mina.id)
    await mina.sees("Samoyed")
