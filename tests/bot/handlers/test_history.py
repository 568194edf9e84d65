from storage import Kind, State
from tests.bot.harness import Harness, Json, User, labels
from tests.scripted_engine import Script


async def test_nothing_yet(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("/history")
    await mina.sees("Nothing here yet")


async def test_paging_uploads_nothing(harness: Harness) -> None:
    mina = harness.user()
    first = await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    await mina.send(shade=90)
    await mina.answers(breed="Pomeranian", baby=None)
    await harness.message_after(mina.id, first, video=True)
    await mina.portraits_in(State.DONE, 2)
    await mina.write("/history")
    newest = await mina.sees("Pomeranian", "Photo 1 of 2")
    assert labels(newest) == ["▶️", "🎬 Film", "🗑 Delete"]
    await mina.press(newest, "▶️")
    oldest = await mina.sees("Samoyed", "Photo 2 of 2")
    assert oldest["message_id"] == newest["message_id"]
    films = len([message for message in harness.said_in(mina.id) if "video" in message])
    await mina.press(oldest, "Film")
    again = await harness.message_after(mina.id, oldest, video=True)
    assert again["video"]["file_id"] == first["video"]["file_id"]
    assert films == 2


async def test_by_pet_and_deletable(harness: Harness) -> None:
    mina = harness.user()
    named = await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.write("/history")
    page = await harness.message_after(mina.id, named, "Momo", "Photo 1 of 1")
    await mina.press(page, "Momo")
    page = await mina.sees("✓ Momo", "All pets")
    await mina.press(page, "Delete")
    await mina.press(await harness.message_after(mina.id, named, "Keep it"), "Keep it")
    page = await harness.message_after(mina.id, named, "Film", "Delete")
    await mina.press(page, "Delete")
    await mina.press(await harness.message_after(mina.id, named, "Yes, delete"), "Yes, delete")
    assert await harness.services.storage.lookup.with_results(mina.id) == []
    assert all("photo" not in message for message in harness.said_in(mina.id))


async def test_after_a_deletion_the_gallery_shows_the_next_one(harness: Harness) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    await mina.send(Script.CAT, shade=90)
    cat = await mina.sees("Tabby")
    await mina.press(cat, "Tabby")
    await mina.answers(baby=None)
    await mina.portraits_in(State.DONE, 2)
    await mina.write("/history")
    page = await mina.sees("Tabby", "Photo 1 of 2")
    await mina.press(page, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    left = await mina.sees("Samoyed", "Photo 1 of 1")
    assert left["message_id"] == page["message_id"]


async def test_the_gallery_goes_with_the_picture_that_it_shows(harness: Harness) -> None:
    mina = harness.user()
    first = await mina.ask_for_portrait()
    await mina.send(Script.CAT, shade=90)
    await mina.answers(breed="Tabby", baby=None)
    second = await harness.message_after(mina.id, first, video=True)
    await mina.portraits_in(State.DONE, 2)
    await mina.write("/history")
    page = await mina.sees("Tabby", "Photo 1 of 2")
    await mina.press(page, "▶️")
    await mina.sees("Samoyed", "Photo 2 of 2")
    await mina.press_more(second, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert page["message_id"] in [message["message_id"] for message in harness.said_in(mina.id)]
    await mina.press_more(first, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []


async def test_a_film_from_a_group_is_shown_where_the_gallery_is(harness: Harness) -> None:
    """And deleting it takes no message of the same number from the other chat."""
    mina = harness.user()
    await mina.write("/help")
    await mina.sees("what I can do")
    chat = harness.group(mina)
    await mina.send(chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    film = await harness.message(chat.id, video=True)
    await mina.portrait_in(State.DONE)
    await mina.write("/history")
    page = await mina.sees("Photo 1 of 1")
    await mina.press(page, "Film")
    shown = await mina.sees(video=True)
    assert shown["video"]["file_id"] == film["video"]["file_id"]
    assert len([message for message in harness.said_in(chat.id) if "video" in message]) == 1
    while (said := await mina.write("hm", chat.id))["message_id"] < page["message_id"]:
        pass
    await mina.press(page, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert harness.said_in(chat.id) == []
    assert all("video" not in message for message in harness.said_in(mina.id))
    assert said["message_id"] in harness.telegram.world.messages[chat.id]


async def test_a_pet_can_be_forgotten(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.name_pet(film, "Momo")
    await mina.write("/history")
    await mina.press(await mina.sees("Photo 1 of 1"), "Momo")
    await mina.press(await mina.sees("Forget Momo"), "Forget Momo")
    answer = await mina.press(await mina.sees("Yes, forget Momo"), "Yes, forget Momo")
    assert "pictures stay" in answer["text"]
    assert await harness.services.storage.pets.of_owner(mina.id) == []
    page = await mina.sees("Samoyed · ", "Photo 1 of 1", "Film")
    assert labels(page) == ["🎬 Film", "🗑 Delete"]
    await mina.press(film, "4 months")
    await mina.sees("• 4 months •", "Add a name", video=True)


async def name_pets(harness: Harness, owner: User, count: int) -> list[str]:
    """Gives the owner so many portraits, each of a pet of its own; gives the names, the last named first."""
    names = [f"Momo {number}" for number in range(1, count + 1)]
    film: Json = {"message_id": 0}
    for shade, name in enumerate(names, 100):
        sent = await owner.send(shade=shade, caption="Samoyed")
        await owner.answers(baby=None, after=sent)
        film = await harness.message_after(owner.id, sent, video=True)
        await owner.portraits_in(State.DONE, shade - 99)
        await owner.name_pet(film, name)
    return names[::-1]


async def test_every_pet_can_be_forgotten(harness: Harness) -> None:
    mina = harness.user()
    names = await name_pets(harness, mina, 7)
    await mina.write("/history")
    page = await mina.sees("Photo 1 of 7", "More pets")
    assert [one for one in labels(page) if one in names] == names[:4]
    await mina.press(page, "More pets")
    page = await mina.sees("Back", "Forget Momo 2")
    assert labels(page)[-2:] == ["▶️", "↩️ Back"]
    await mina.press(page, "▶️")
    page = await mina.sees("Back", "◀️", "Forget Momo 1")
    await mina.press(page, "Forget Momo 1")
    await mina.press(await mina.sees("Yes, forget Momo 1", "Keep it"), "Keep it")
    await mina.press(await mina.sees("Back", "◀️", "Forget Momo 1"), "Forget Momo 1")
    await mina.press(await mina.sees("Yes, forget Momo 1"), "Yes, forget Momo 1")
    page = await mina.sees("Back", "Forget Momo 2")
    assert [pet.name for pet in await harness.services.storage.pets.of_owner(mina.id)] == names[:6]
    await mina.press(page, "Momo 2")
    await mina.sees("Momo 2", "Photo 1 of 1", "All pets", "🗑 Forget Momo 2")


async def test_pets_are_shown_and_forgotten_when_their_pictures_are_kept_no_longer(harness: Harness) -> None:
    mina = harness.user()
    named = await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.write("/history")
    old = await harness.message_after(mina.id, named, "Photo 1 of 1")
    await harness.services.deletion.expire(-1)
    await mina.write("/history")
    left = await mina.sees("no pictures here", "name, breed")
    assert labels(left) == ["🗑 Forget Momo"]
    await mina.press(left, "Forget Momo")
    await mina.press(await mina.sees("Yes, forget Momo"), "Keep it")
    answer = await mina.press(old, "Momo")
    assert "Nothing is left" in answer["text"]
    page = await harness.message_after(mina.id, named, "Forget Momo", photo=True)
    assert labels(page) == ["🗑 Forget Momo"]
    await mina.press(await mina.sees("no pictures here", "Forget Momo"), "Forget Momo")
    await mina.press(await mina.sees("Yes, forget Momo"), "Yes, forget Momo")
    await mina.sees("Nothing here yet")
    assert await harness.services.storage.pets.of_owner(mina.id) == []


async def test_a_pet_whose_pictures_were_deleted_can_be_forgotten(harness: Harness) -> None:
    mina = harness.user()
    await name_pets(harness, mina, 2)
    await harness.services.storage.portraits.delete((await mina.portrait()).id)
    await mina.write("/history")
    page = await mina.sees("Photo 1 of 1", "More pets")
    assert "Momo 2" not in labels(page)
    await mina.press(page, "More pets")
    page = await mina.sees("Back")
    assert labels(page) == ["🗑 Forget Momo 2", "Momo 1", "🗑 Forget Momo 1", "↩️ Back"]
    await mina.press(page, "Forget Momo 2")
    await mina.press(await mina.sees("Yes, forget Momo 2"), "Yes, forget Momo 2")
    assert [pet.name for pet in await harness.services.storage.pets.of_owner(mina.id)] == ["Momo 1"]


async def test_what_telegram_lost_is_shown_from_the_disk(harness: Harness) -> None:
    mina = harness.user()
    family = harness.group(mina)
    for shade in (90, 60):
        caption = "/young@throwback_bot samoyed"
        asked = await mina.send(chat=family.id, caption=caption, shade=shade)
        question = await harness.message_after(family.id, asked, "baby photo")
        await mina.press(question, "Go on without")
        await harness.message_after(family.id, question, video=True)
    for portrait in await mina.portraits_in(State.DONE, 2):
        for result in await harness.services.storage.results.of(portrait.id):
            await harness.services.storage.results.set_file_id(result.id, "expired")
    await mina.write("/history")
    page = await mina.sees("Photo 1 of 2", photo=True)
    await mina.press(page, "▶️")
    page = await mina.sees("Photo 2 of 2", photo=True)
    await mina.press(page, "🎬")
    await mina.sees(video=True)
    results = await harness.services.storage.results.of((await mina.portraits_in(State.DONE, 2))[0].id)
    assert {one.kind for one in results if one.file_id != "expired"} == {Kind.STILL, Kind.FILM}
