"""What is made of a finished portrait when its owner asks for more."""

import pytest

from bot.playground.faults import Fault, FaultKind
from bot.timings import Timings
from storage import Kind, Portrait, Result
from tests.bot.harness import Harness, Json, User, eventually, labels


def sets_of(harness: Harness) -> list[tuple[str, int]]:
    """Return the names of all sticker sets with the number of their stickers."""
    return [(one.name, len(one.stickers)) for one in harness.telegram.sticker_sets._sets.values()]


async def sticker_of(harness: Harness, mina: User, film: Json) -> Json:
    """Ask for the film's sticker, and return its message."""
    await mina.press_more(film, "Sticker")
    return await harness.message_after(mina.id, film, "Add to my sticker pack", sticker=True)


@pytest.mark.parametrize(
    ("label", "field", "said"),
    [
        ("Story", "video", "A story to post"),
        ("Photo strip", "photo", "All ages side by side"),
        ("Photo strip", "document", "for printing"),
        ("Loop", "animation", "There and back"),
        ("Round video", "video_note", ""),
        ("Then and now", "video", "one over the other"),
        ("Film with ages", "video", "with the ages"),
        ("Sticker", "sticker", "Add to my sticker pack"),
    ],
)
async def test_each_medium_is_sent_as_what_it_is(harness: Harness, label: str, field: str, said: str) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    answer = await mina.press_more(film, label)
    assert answer["text"] == "One moment…"
    await harness.message_after(mina.id, film, said, **{field: True})


async def test_what_was_made_once_is_sent_by_its_file_id(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press_more(film, "Story")
    story = await harness.message_after(mina.id, film, "A story to post")
    await mina.press_more(film, "Story")
    again = await harness.message_after(mina.id, story, "A story to post")
    assert again["video"]["file_id"] == story["video"]["file_id"]


async def test_today_is_a_film_there_and_back_and_a_story_compares_it(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "today")
    shown = await mina.sees("• today •", "From today to the early days, and back", video=True)
    await mina.press_more(shown, "Story")
    await harness.message_after(mina.id, film, "A story to post", video=True)
    assert {one.age for one in await results(harness, await mina.portrait()) if one.kind is Kind.STORY} == {1.0}


async def test_nobody_makes_what_is_not_offered(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait()
    for kind in ("all_card", "still", "nonsense", ""):
        answer = await harness.users.press(mina.id, mina.id, film["message_id"], f"make:{portrait.id}:1.00 {kind}")
        assert "done already" in answer["text"]


async def test_the_menu_opens_and_closes(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "More")
    menu = await mina.sees("Story", "Sticker", "Round video", "Delete", video=True)
    assert all(len(data.encode()) <= 64 for data in callbacks(menu))
    await mina.press(menu, "Back")
    await mina.sees("• 8 weeks •", "😍", video=True)


def callbacks(message: Json) -> list[str]:
    rows = message["reply_markup"]["inline_keyboard"]
    return [button["callback_data"] for row in rows for button in row if "callback_data" in button]


async def test_a_name_told_later_is_on_what_is_made_then(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.name_pet(film, "Momo")
    named = await mina.sees("• 8 weeks •", video=True)
    assert "🏷 Add a name" not in labels(named)
    card = next(one for one in await results(harness, await mina.portrait()) if one.kind == "card")
    assert card.digest is None  # made anew when it is asked for
    await mina.press_more(film, "Card")
    await mina.sees("card for the family", photo=True)


async def results(harness: Harness, portrait: Portrait) -> list[Result]:
    return await harness.services.storage.results.of(portrait.id)


async def test_stickers_go_into_their_owners_own_set(harness: Harness) -> None:
    mina = harness.user()
    first = await sticker_of(harness, mina, await mina.ask_for_portrait())
    await mina.press(first, "Add to my sticker pack")
    added = await harness.message_after(mina.id, first, "in your sticker pack", "Open the pack")
    ((name, count),) = sets_of(harness)
    assert count == 1 and str(mina.id) not in name
    assert added["reply_markup"]["inline_keyboard"][0][0]["url"] == f"https://t.me/addstickers/{name}"
    await mina.press(first, "Add to my sticker pack")  # it is there already
    await harness.message_after(mina.id, added, "in your sticker pack")
    assert sets_of(harness) == [(name, 1)]
    second = await sticker_of(harness, mina, await mina.ask_for_portrait(shade=90))
    await mina.press(second, "Add to my sticker pack")
    await harness.message_after(mina.id, second, "in your sticker pack")
    assert sets_of(harness) == [(name, 2)]


async def test_a_sticker_goes_with_its_portrait_and_the_set_with_its_owner(harness: Harness) -> None:
    mina = harness.user()
    films = []
    for shade in (200, 90):
        film = await mina.ask_for_portrait(shade=shade)
        films.append(film)
        sticker = await sticker_of(harness, mina, film)
        await mina.press(sticker, "Add to my sticker pack")
        await harness.message_after(mina.id, sticker, "in your sticker pack")
    await mina.press_more(films[0], "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert [count for _, count in sets_of(harness)] == [1]
    await mina.write("/forgetme")
    await mina.press(await mina.sees("Shall I delete everything"), "Yes, delete everything")
    await mina.sees("I don't know you any more")
    assert sets_of(harness) == []


@pytest.mark.parametrize("timings", [Timings(upload_timeout_s=1.0, step_retries_s=(0.1,))], ids=["short uploads"])
async def test_a_sticker_whose_answer_was_lost_is_not_put_in_twice(harness: Harness) -> None:
    mina = harness.user()
    sticker = await sticker_of(harness, mina, await mina.ask_for_portrait())
    harness.telegram.faults.add(Fault("createNewStickerSet", FaultKind.TIMEOUT_AFTER))
    await mina.press(sticker, "Add to my sticker pack")
    await harness.message_after(mina.id, sticker, "in your sticker pack")
    assert [count for _, count in sets_of(harness)] == [1]


async def test_a_full_set_is_followed_by_another(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.playground.sticker_sets.STICKERS_MAX", 1)
    mina = harness.user()
    for shade in (200, 90):
        sticker = await sticker_of(harness, mina, await mina.ask_for_portrait(shade=shade))
        await mina.press(sticker, "Add to my sticker pack")
        await harness.message_after(mina.id, sticker, "in your sticker pack")
    assert [count for _, count in sets_of(harness)] == [1, 1]


async def test_who_can_have_no_set_is_told_so(harness: Harness) -> None:
    mina = harness.user()
    sticker = await sticker_of(harness, mina, await mina.ask_for_portrait())
    harness.telegram.faults.add(Fault("createNewStickerSet", FaultKind.BAD_REQUEST, description="PEER_ID_INVALID"))
    await mina.press(sticker, "Add to my sticker pack")
    await mina.sees("only make a sticker pack for people who have written to me")
    person = await harness.services.storage.people.get(mina.id)
    assert person is not None and person.reachable


async def test_what_was_asked_for_is_sent_once_after_a_stop(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait()
    harness.telegram.faults.add(Fault("sendVideo", FaultKind.BAD_GATEWAY, times=1000))
    await mina.press_more(film, "Story")

    async def made() -> bool:
        return any(one.digest for one in await results(harness, portrait) if one.kind is Kind.STORY)

    await eventually(made)
    await harness.close()
    harness.telegram.faults.clear()
    await harness.open()
    await harness.message_after(mina.id, film, "A story to post", video=True)
    await harness.restart()
    await mina.write("/help")
    await mina.sees("Here is what I can do")
    stories = [message for message in harness.said_in(mina.id) if "A story" in message.get("caption", "")]
    assert len(stories) == 1
