from storage import State
from tests.bot.town import Town, labels


async def test_nothing_yet(town: Town) -> None:
    mina = town.person()
    await mina.write("/history")
    await mina.sees("Nothing here yet")


async def test_paging_uploads_nothing(town: Town) -> None:
    mina = town.person()
    first = await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    await mina.send(shade=90)
    await mina.press(await mina.sees("Samoyed"), "Pomeranian")
    await mina.press(await mina.sees("baby photo"), "Go on without")
    await town.message_after(mina.id, first, video=True)
    await mina.portrait_in(State.DONE)
    await mina.write("/history")
    newest = await mina.sees("Pomeranian", "1 of 2 pictures")
    assert labels(newest) == ["▶️", "🎬 Film", "🗑 Delete"]
    await mina.press(newest, "▶️")
    oldest = await mina.sees("Samoyed", "2 of 2 pictures")
    assert oldest["message_id"] == newest["message_id"]
    films = len([message for message in town.said_in(mina.id) if "video" in message])
    await mina.press(oldest, "Film")
    again = await town.message_after(mina.id, oldest, video=True)
    assert again["video"]["file_id"] == first["video"]["file_id"]
    assert films == 2


async def test_by_pet_and_deletable(town: Town) -> None:
    mina = town.person()
    await mina.press(await mina.ask_for_portrait(), "Give a name")
    await mina.sees("your pet's name")
    await mina.write("Momo")
    named = await mina.sees("lovely name")
    await mina.write("/history")
    page = await town.message_after(mina.id, named, "Momo", "1 of 1 picture")
    await mina.press(page, "Momo")
    page = await mina.sees("✓ Momo", "All pets")
    await mina.press(page, "Delete")
    await mina.press(await town.message_after(mina.id, named, "Keep it"), "Keep it")
    page = await town.message_after(mina.id, named, "Film", "Delete")
    await mina.press(page, "Delete")
    await mina.press(await town.message_after(mina.id, named, "Yes, delete"), "Yes, delete")
    assert await town.desk.storage.portraits.history(mina.id) == []
    assert all("photo" not in message for message in town.said_in(mina.id))
