"""What owners do with their results, against real processes: ages, media, stickers, several pets, albums, verdicts."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.bot.harness import labels
from tests.end_to_end.phone import MINA, WAIT_S, Phone, ask_for_portrait
from tests.end_to_end.processes import SCRIPTED_BOT, Telegram
from tests.scripted_engine import Script, scripted_photo


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    """With a bot whose administrator is Mina."""
    folder: Path = tmp_path_factory.mktemp("owners")
    with (
        Telegram(folder / "telegram") as telegram,
        telegram.bot(folder / "bot", (*SCRIPTED_BOT, "--finish"), THROWBACK_ADMINS=str(MINA)),
    ):
        yield telegram


@pytest.fixture
async def http(telegram: Telegram) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
        yield http


@pytest.fixture
async def ann(http: httpx.AsyncClient) -> Phone:
    person = await http.post("/control/people", json={"first_name": "Ann", "language_code": "en"})
    return Phone(http, person.json()["id"])


async def test_ages_have_names_and_take_each_others_place(ann: Phone) -> None:
    film = await ask_for_portrait(ann)
    assert labels(film)[:5] == ["• 8 weeks •", "4 months", "1 year", "today", "old"]
    said = len(await ann.said())
    for label in ("4 months", "old", "8 weeks"):
        await ann.press(film, label)
        shown = await ann.sees(f"• {label} •", video=True)
        assert shown["message_id"] == film["message_id"]
    assert len(await ann.said()) == said


async def test_stories_stickers_and_the_like_are_sent_as_what_they_are(ann: Phone) -> None:
    film = await ask_for_portrait(ann)
    kinds = {
        "Story": "video",
        "Then and now": "video",
        "Film with ages": "video",
        "Loop": "animation",
        "Round video": "video_note",
        "Sticker": "sticker",
        "Photo strip": "document",
        "Card": "photo",
        "Whole photo": "photo",
    }
    last = film
    for label, kind in kinds.items():
        await ann.press_more(film, label)
        last = await ann.sees(after=last, without="\0", **{kind: True})


async def test_stickers_fill_their_owners_own_set_which_goes_with_them(ann: Phone, telegram: Telegram) -> None:
    await ann.press_more(await ask_for_portrait(ann), "Sticker")
    await ann.press(await ann.sees("Add to my sticker pack", sticker=True), "Add to my sticker pack")
    added = await ann.sees("in your sticker pack", "Open the pack")
    name = added["reply_markup"]["inline_keyboard"][0][0]["url"].rpartition("/")[2]
    async with httpx.AsyncClient(base_url=f"{telegram.url}/bot{telegram.token}") as api:
        found = (await api.post("/getStickerSet", data={"name": name})).json()
        assert [sticker["emoji"] for sticker in found["result"]["stickers"]] == ["🐶"]
        await ann.write("/forgetme")
        await ann.press(await ann.sees("Shall I delete everything"), "Yes, delete everything")
        await ann.sees("I don't know you any more")
        assert (await api.post("/getStickerSet", data={"name": name})).status_code == 400


async def test_all_pets_of_a_photo_one_after_the_other_and_together(ann: Phone) -> None:
    await ann.send_scripted(Script.DOG_AND_CAT)
    await ann.press(await ann.sees("I see 2 pets", "No. 2", photo=True), "Both")
    await ann.answers(breed="Samoyed", baby=None)
    second = await ann.sees("Now number 2. What a lovely cat!")
    await ann.press(second, "Tabby")
    await ann.press(await ann.sees("Tabby cat, got it!"), "Go on without")
    await ann.sees("All of them, little again", photo=True)
    await ann.sees("One card with all of them", photo=True)


async def test_of_an_album_the_best_photo_is_taken_and_may_be_changed(ann: Phone) -> None:
    await ann.send_album([scripted_photo(script, 80 + place) for place, script in enumerate((Script.DARK, Script.CAT))])
    await ann.press(
        await ann.sees("I took photo 2: the face shows best there. What a lovely cat!"), "another of the photos"
    )
    await ann.sees("All right, photo 1. What a lovely dog!")


async def test_a_verdict_is_one_tap_and_counted(ann: Phone, http: httpx.AsyncClient) -> None:
    film = await ask_for_portrait(ann)
    await ann.press(film, "🙂")
    await ann.press(await ann.sees("• 🙂 •", video=True), "😬")
    await ann.press(await ann.sees("What is wrong with it?"), "Blurry")
    await ann.sees("only be as sharp as the photo")
    mina = Phone(http, MINA)
    await mina.write("/stats")
    await mina.sees("Verdicts: 😍 0 % 🙂 0 % 😬 100 % (1)", "dog: ", "scripted", "good: ")


async def test_a_weak_photo_is_called_so_and_an_unusable_one_refused_before_the_questions(ann: Phone) -> None:
    await ann.send_scripted(Script.DARK)
    weak = await ann.sees("rather dark in this photo", "Go on with this one")
    await ann.send_scripted(shade=90)
    await ann.press(await ann.sees("What a lovely dog!", after=weak), "Cancel")
    await ann.send_scripted(Script.NO_FACE)
    refused = await ann.sees("can't see the face well", "Try anyway")
    assert not [
        said
        for said in await ann.said()
        if said["message_id"] > weak["message_id"] and said != refused and "Which breed" in said.get("text", "")
    ]
