"""What can be done with a finished portrait."""

from collections.abc import Sequence

import pytest

from bot.messaging.telegram_messenger import TelegramMessenger
from bot.playground.faults import Fault, FaultKind
from bot.portraits.messenger import Sent
from bot.timings import Timings
from engine import EngineClient, Forgotten
from storage import Kind, Portrait, Result, State
from tests.bot.harness import Harness, eventually, labels
from tests.scripted_engine import Script


async def test_younger_and_older_come_from_the_kept_latent(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Younger")
    younger = await harness.message_after(mina.id, film, video=True)
    await mina.press(younger, "Older")
    again = await harness.message_after(mina.id, younger, video=True)
    ages = {result.age for result in await harness.services.storage.results.of((await mina.portrait()).id)}
    assert ages == {1.0, 1.3}
    assert "👶 Younger" in labels(again)


async def test_a_portrait_outlives_the_weights_it_was_made_with(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait(Script.OTHER_WEIGHTS)
    media = harness.services.storage.media
    old = await media.read((await mina.portrait_in(State.DONE)).latent or "")
    await mina.press(film, "Younger")
    await harness.message_after(mina.id, film, video=True)
    new = await media.read((await mina.portrait()).latent or "")
    assert new and old.startswith(new) and new != old


async def test_card_and_whole_photo_come_when_asked_for(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Card")
    await mina.sees("card for the family", photo=True)
    await mina.press(film, "Whole")
    await mina.sees("In the whole photo", photo=True)


async def test_what_was_sent_once_is_sent_again_by_its_file_id(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Card")
    card = await mina.sees("card for the family")
    await mina.press(film, "Card")
    again = await harness.message_after(mina.id, card, photo=True)
    assert again["photo"][-1]["file_id"] == card["photo"][-1]["file_id"]


async def test_a_name_is_remembered_and_offered_with_the_next_photo(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Tell me the name")
    await mina.sees("your pet's name")
    await mina.write("M" * 40)
    await mina.sees("long name")
    await mina.write("  Momo ")
    await mina.sees("Momo! What a lovely name")
    await mina.send(shade=90)
    await mina.press(await mina.sees("Nice to see Momo", "💛 Momo"), "💛 Momo")
    await mina.press(await mina.sees("photo of Momo as a baby"), "Go on without")
    await mina.sees("Momo, when everything began", photo=True)
    portrait = await mina.portrait_in(State.DONE)
    assert (portrait.name, portrait.breed) == ("Momo", "samoyed")


async def test_a_known_pet_with_a_baby_photo_is_queued_at_once(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=90)
    await mina.name_pet(await mina.sees(video=True), "모모")
    await mina.send(shade=60)
    await mina.press(await mina.sees("💛 모모"), "💛 모모")
    await mina.sees("모모, when", photo=True)


async def test_again_asks_anew_about_the_same_photo(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    film = await mina.sees(video=True)
    await mina.press(film, "Again")
    breed = await mina.sees("Which breed")
    assert breed["reply_to_message"]["message_id"] == photo["message_id"]
    await mina.press(breed, "Pomeranian")
    await mina.answers(baby=None)
    await harness.message_after(mina.id, film, video=True)
    assert (await mina.portrait()).breed == "pomeranian"


async def test_delete_takes_rows_files_and_messages(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait_in(State.DONE)
    await mina.press(film, "Delete")
    await mina.press(await mina.sees("Keep it"), "Keep it")
    await mina.press(await mina.sees("Delete", "Younger"), "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []
    assert await harness.services.storage.portraits.get(portrait.id) is None
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []


async def test_delete_takes_what_was_sent_more_than_once(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Card")
    card = await mina.sees("card for the family")
    await mina.press(film, "Card")
    await harness.message_after(mina.id, card, "card for the family")
    await mina.press(film, "Younger")
    younger = await harness.message_after(mina.id, film, video=True)
    await mina.press(younger, "Older")
    again = await harness.message_after(mina.id, younger, video=True)
    await mina.press(again, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert harness.said_in(mina.id) == []


async def test_what_is_too_old_to_be_deleted_keeps_nothing_else_and_is_said(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Card")
    await mina.sees("card for the family")
    harness.telegram.world.messages[mina.id][film["message_id"]].content["date"] -= 3 * 86_400
    await mina.press(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert answer["show_alert"] and "please delete that yourself" in answer["text"]
    assert [message["message_id"] for message in harness.said_in(mina.id)] == [film["message_id"]]


@pytest.mark.parametrize("timings", [Timings(upload_timeout_s=3.0)], ids=["short uploads"])
async def test_what_arrived_although_its_answer_was_lost_is_owned_up_to(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("sendPhoto", FaultKind.TIMEOUT_AFTER))
    film = await mina.ask_for_portrait()
    picture = await mina.sees("Here you go", photo=True)
    await mina.press(await mina.sees("Telegram was slow"), "Try again")  # now a second one is there, and known
    await harness.message_after(mina.id, film, photo=True)
    await mina.press(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert answer["show_alert"] and "please delete that yourself" in answer["text"]
    assert [message["message_id"] for message in harness.said_in(mina.id)] == [picture["message_id"]]


@pytest.mark.parametrize(
    ("baby", "said"),
    [
        (False, "Deleted. I only remember Momo, for next time."),
        (True, "Deleted. I only remember Momo and keep the baby photo, for next time."),
    ],
)
async def test_what_is_kept_of_a_pet_with_a_name_is_said(harness: Harness, baby: bool, said: str) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    question = await mina.sees("baby photo")
    if baby:
        await mina.send(shade=90)
    else:
        await mina.press(question, "Go on without")
    film = await mina.sees(video=True)
    await mina.name_pet(film, "Momo")
    await mina.press(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete photo, pictures and films")
    assert answer["text"] == said


async def test_what_is_on_its_way_while_its_portrait_is_deleted_is_taken_back(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    send = TelegramMessenger.send_result

    async def too_late(messenger: TelegramMessenger, portrait: Portrait, result: Result) -> Sent:
        sent = await send(messenger, portrait, result)
        await harness.services.deletion.delete(portrait)
        monkeypatch.undo()
        return sent

    monkeypatch.setattr(TelegramMessenger, "send_result", too_late)
    await mina.press(film, "Card")

    async def nothing_left() -> bool:
        return not harness.said_in(mina.id)

    await eventually(nothing_left)


async def test_what_arrives_while_its_portrait_is_being_deleted_is_taken_too(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait_in(State.DONE)
    forget = EngineClient.forget

    async def slowly(engine: EngineClient, photos: Sequence[str]) -> Forgotten:
        await harness.services.results.request(portrait.id, 1.0, Kind.CARD)
        await mina.sees("card for the family")

        async def noted() -> bool:
            return len((await harness.services.storage.messages.of(portrait.id))[mina.id]) == 3

        await eventually(noted)
        return await forget(engine, photos)

    monkeypatch.setattr(EngineClient, "forget", slowly)
    await mina.press(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []


async def test_an_old_button_of_a_deleted_portrait_is_explained(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await harness.services.storage.portraits.delete((await mina.portrait_in(State.DONE)).id)
    answer = await mina.press(film, "Younger")
    assert answer["show_alert"] and "start fresh" in answer["text"]


async def test_nonsense_from_a_button_is_answered(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    for data in ("", "x", "age", "age:1:abc", "age:1:9e9", "head:1:-3", "breed:99:x", "age:x:1", "page:0:zz"):
        answer = await harness.users.press(mina.id, mina.id, film["message_id"], data)
        assert answer["answered"], data


async def test_the_name_of_a_known_pet_may_be_typed(harness: Harness) -> None:
    mina = harness.user()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.send(shade=90)
    await mina.sees("Nice to see Momo")
    await mina.write("momo")
    await mina.sees("photo of Momo as a baby")


@pytest.mark.parametrize("label", ["Not now", "Younger"])
async def test_another_press_takes_the_question_for_a_name_back(harness: Harness, label: str) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Tell me the name")
    question = await mina.sees("your pet's name", "Not now")
    await mina.press(question if label == "Not now" else film, label)
    await mina.write("Wow, thank you!")
    await mina.sees("Send me a photo of your pet")
    assert (await mina.portrait()).name == ""
    assert question["message_id"] not in [message["message_id"] for message in harness.said_in(mina.id)]


async def test_another_photo_takes_the_question_for_a_name_back(harness: Harness) -> None:
    mina = harness.user()
    await mina.press(await mina.ask_for_portrait(), "Tell me the name")
    await mina.sees("your pet's name")
    await mina.send(Script.CAT, shade=90)
    await mina.answers(breed="Tabby")
    await mina.press(await mina.sees("Tabby cat, got it!"), "Go on without")
    await mina.portraits_in(State.DONE, 2)
    await mina.write("Wow, thank you!")
    await mina.sees("Send me a photo of your pet")
    assert await harness.services.storage.pets.of_owner(mina.id) == []


async def test_later_words_are_no_name(harness: Harness) -> None:
    mina = harness.user()
    await mina.press(await mina.ask_for_portrait(), "Tell me the name")
    await mina.sees("your pet's name")
    await mina.write("/cancel")
    await mina.sees("I stopped")
    await mina.write("thank you")
    await mina.sees("Send me a photo of your pet")
    assert (await mina.portrait()).name == ""
    await mina.press(await mina.sees(video=True), "Tell me the name")
    real = harness.services.storage.now
    harness.services.storage.now = lambda: real() + 7200
    thanks = await mina.write("good night")
    await harness.message(mina.id, "Send me a photo of your pet", after=thanks["message_id"])
    assert (await mina.portrait()).name == ""
