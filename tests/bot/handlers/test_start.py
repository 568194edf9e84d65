from bot.playground.request_parameters import Upload
from tests.bot.harness import Harness
from tests.scripted_engine import Script, scripted_photo


async def test_start_and_help(town: Harness) -> None:
    mina = town.person()
    await mina.write("/start")
    await mina.sees("Hello! 🐾 Send me a photo")
    await mina.write("/help")
    await mina.sees("/history", "/forgetme")


async def test_words_where_nothing_was_asked(town: Harness) -> None:
    mina = town.person()
    await mina.write("hi there")
    await mina.sees("Send me a photo of your pet")


async def test_cancel_stops_everything_of_this_person(town: Harness) -> None:
    mina = town.person()
    await mina.write("/cancel")
    nothing = await mina.sees("nothing to stop")
    await mina.send(Script.HOLD)
    await mina.sees("Samoyed")
    await mina.write("/cancel")
    await town.message_after(mina.id, nothing, "I stopped")


async def test_files_that_are_no_pictures(town: Harness) -> None:
    mina = town.person()
    await town.people.send(mina.id, mina.id, [Upload("notes.pdf", "application/pdf", b"%PDF-1.7")], as_files=True)
    await mina.sees("I need a photo of your pet")
    assert await town.services.storage.portraits.of_owner(mina.id) == []


async def test_heic_comes_as_a_file_without_a_type(town: Harness) -> None:
    mina = town.person()
    heic = Upload("IMG_0001.HEIC", "application/octet-stream", scripted_photo())
    await town.people.send(mina.id, mina.id, [heic], as_files=True)
    await mina.sees("Samoyed")


async def test_what_is_too_large_is_refused_before_it_is_fetched(town: Harness) -> None:
    mina = town.person()
    large = Upload("large.jpg", "image/jpeg", bytes(21 * 1024 * 1024))
    await town.people.send(mina.id, mina.id, [large], as_files=True)
    await mina.sees("too big for me")
    assert all(call.method != "getFile" for call in town.double.calls)


async def test_a_forwarded_photo_is_a_photo(town: Harness) -> None:
    mina, joon = town.person(), town.person("Joon")
    photo = await joon.send()
    await joon.sees("Samoyed")
    await town.people.forward(mina.id, joon.id, photo["message_id"], mina.id)
    await mina.sees("Samoyed")
