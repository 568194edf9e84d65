"""What can be done with a finished portrait."""

from collections.abc import Sequence

import pytest

from bot.messaging.telegram_messenger import TelegramMessenger
from bot.playground.faults import Fault, FaultKind
from bot.portraits.messenger import OnWire, Sent
from bot.timings import Timings
from engine import EngineClient, Forgotten
from storage import Kind, Portrait, Result, State, Verdict
from tests.bot.harness import Harness, Json, eventually, labels
from tests.scripted_engine import Script


async def shows(harness: Harness, film: Json, label: str) -> Json:
    """Return the film's message once it has a button with this label."""
    chat, before = film["chat"]["id"], {"message_id": film["message_id"] - 1}
    return await harness.message_after(chat, before, label, video=True)


async def test_another_age_takes_the_place_of_the_one_that_is_shown(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    assert labels(film)[:8] == ["• 8 weeks •", "4 months", "1 year", "today", "old", "😍", "🙂", "😬"]
    (still,) = [message for message in harness.said_in(mina.id) if "photo" in message]
    await mina.press(film, "4 months")
    younger = await shows(harness, film, "• 4 months •")
    assert younger["video"]["file_id"] != film["video"]["file_id"]
    await mina.press(film, "old")
    await shows(harness, film, "• old •")
    await mina.press(film, "8 weeks")
    first = await shows(harness, film, "• 8 weeks •")
    assert first["video"]["file_id"] == film["video"]["file_id"]  # as it was sent once
    said = harness.said_in(mina.id)
    assert [message["message_id"] for message in said] == [still["message_id"], film["message_id"]]
    assert said[0]["caption"] == still["caption"] and "photo" in said[0]


async def test_of_ages_pressed_in_a_row_the_last_one_is_shown(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    for label in ("4 months", "today", "1 year"):
        await mina.press(film, label)
    await shows(harness, film, "• 1 year •")
    assert (await mina.press(await shows(harness, film, "• 1 year •"), "1 year"))["text"] == ""
    assert len(harness.said_in(mina.id)) == 2


async def test_buttons_of_earlier_versions_lead_to_the_nearest_age(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait()
    for old, label in (("0.70", "4 months"), ("1.60", "8 weeks"), ("-0.80", "old")):
        await harness.users.press(mina.id, mina.id, film["message_id"], f"age:{portrait.id}:{old}")
        await shows(harness, film, f"• {label} •")


async def test_where_the_picture_was_deleted_another_age_is_sent(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    (still,) = [message for message in harness.said_in(mina.id) if "photo" in message]
    await harness.users.delete(mina.id, mina.id, still["message_id"])
    await mina.press(film, "4 months")
    await harness.message_after(mina.id, film, "Four months old", photo=True)
    await shows(harness, film, "• 4 months •")
    assert len(harness.said_in(mina.id)) == 2


async def test_the_verdict_is_marked_and_may_be_changed(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    assert (await mina.press(film, "😍"))["text"] == "How lovely! 💛"
    await shows(harness, film, "• 😍 •")
    await mina.press(film, "🙂")
    assert "😍" in labels(await shows(harness, film, "• 🙂 •"))
    (count,) = (await harness.services.storage.counts()).verdicts
    assert (count.verdict, count.species, count.count) == (Verdict.FINE, "dog", 1)
    assert count.network.startswith("scripted")
    await mina.press_more(film, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert (await harness.services.storage.counts()).verdicts == []


async def test_a_bad_verdict_is_asked_about_once_and_helped(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "😬")
    question = await mina.sees("What is wrong with it?")
    await mina.press(question, "The eyes")
    advice = await mina.sees("Eyes turn out best")
    assert advice["message_id"] == question["message_id"] and labels(advice) == ["4 months"]
    await mina.press(advice, "4 months")
    await shows(harness, film, "• 4 months •")
    await mina.press(await shows(harness, film, "• 4 months •"), "😬")
    await shows(harness, film, "• 😬 •")
    assert [message for message in harness.said_in(mina.id) if "What is wrong" in message.get("text", "")] == []
    rows = await harness.services.storage.verdicts.rows((await mina.portrait()).id)
    assert [(row["age"], row["verdict"], row["reason"]) for row in rows] == [(0.75, "bad", ""), (1.0, "bad", "eyes")]


async def test_a_portrait_outlives_the_weights_it_was_made_with(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait(Script.OTHER_WEIGHTS)
    media = harness.services.storage.media
    old = await media.read((await mina.portrait_in(State.DONE)).latent or "")
    await mina.press(film, "4 months")
    await shows(harness, film, "• 4 months •")
    new = await media.read((await mina.portrait()).latent or "")
    assert new and old.startswith(new) and new != old


async def test_card_and_whole_photo_come_when_asked_for(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press_more(film, "Card")
    await mina.sees("card for the family", photo=True)
    await mina.press_more(film, "Whole")
    await mina.sees("In the whole photo", photo=True)


async def test_what_was_sent_once_is_sent_again_by_its_file_id(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press_more(film, "Card")
    card = await mina.sees("card for the family")
    await mina.press_more(film, "Card")
    again = await harness.message_after(mina.id, card, photo=True)
    assert again["photo"][-1]["file_id"] == card["photo"][-1]["file_id"]


async def test_a_name_is_remembered_and_offered_with_the_next_photo(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Add a name")
    await mina.sees("your pet's name")
    await mina.write("M" * 40)
    await mina.sees("long name")
    await mina.write("  Momo ")
    await mina.sees("Momo! What a lovely name")
    await mina.send(shade=90)
    await mina.press(await mina.sees("Nice to see Momo", "💛 Momo"), "💛 Momo")
    await mina.press(await mina.sees("photo of Momo as a baby"), "Go on without")
    await mina.sees("Momo at eight weeks", photo=True)
    portrait = await mina.portrait_in(State.DONE)
    assert (portrait.name, portrait.breed) == ("Momo", "samoyed")


async def test_a_known_pet_with_a_baby_photo_is_queued_at_once(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=90)
    await mina.name_pet(await mina.sees(video=True), "모모")
    await mina.send(shade=60)
    await mina.press(await mina.sees("💛 모모"), "💛 모모")
    await mina.sees("모모 at eight weeks", photo=True)


async def test_again_asks_anew_about_the_same_photo(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    film = await mina.sees(video=True)
    await mina.press_more(film, "Other breed")
    asked = await harness.message_after(mina.id, film, "Samoyed, got it!")  # it was told once
    assert asked["reply_to_message"]["message_id"] == photo["message_id"]
    await mina.press(asked, "Another breed")
    breed = await mina.sees("Which breed")
    await mina.press(breed, "Pomeranian")
    await mina.answers(baby=None)
    await harness.message_after(mina.id, film, video=True)
    assert (await mina.portrait()).breed == "pomeranian"


async def test_delete_takes_rows_files_and_messages(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    portrait = await mina.portrait_in(State.DONE)
    await mina.press_more(film, "Delete")
    await mina.press(await mina.sees("Keep it"), "Keep it")
    await mina.press_more(await mina.sees("8 weeks", video=True), "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []
    assert await harness.services.storage.portraits.get(portrait.id) is None
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []


async def test_delete_takes_what_was_sent_more_than_once(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press_more(film, "Card")
    card = await mina.sees("card for the family")
    await mina.press_more(film, "Card")
    await harness.message_after(mina.id, card, "card for the family")
    await mina.press(film, "4 months")
    await shows(harness, film, "• 4 months •")
    await mina.press_more(film, "Delete")
    await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert harness.said_in(mina.id) == []


async def test_what_is_too_old_to_be_deleted_keeps_nothing_else_and_is_said(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press_more(film, "Card")
    await mina.sees("card for the family")
    harness.telegram.world.messages[mina.id][film["message_id"]].content["date"] -= 3 * 86_400
    await mina.press_more(film, "Delete")
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
    await mina.press_more(film, "Delete")
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
    await mina.press_more(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete photo, pictures and films")
    assert answer["text"] == said


async def test_what_is_on_its_way_while_its_portrait_is_deleted_is_taken_back(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    send = TelegramMessenger.send_result

    async def too_late(messenger: TelegramMessenger, portrait: Portrait, result: Result, on_wire: OnWire) -> Sent:
        sent = await send(messenger, portrait, result, on_wire)
        await harness.services.deletion.delete(portrait)
        monkeypatch.undo()
        return sent

    monkeypatch.setattr(TelegramMessenger, "send_result", too_late)
    await mina.press_more(film, "Card")

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
    await mina.press_more(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []


async def test_an_old_button_of_a_deleted_portrait_is_explained(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await harness.services.storage.portraits.delete((await mina.portrait_in(State.DONE)).id)
    answer = await mina.press(film, "4 months")
    assert answer["show_alert"] and "start fresh" in answer["text"]


async def test_nonsense_from_a_button_is_answered(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    for data in ("", "x", "age", "age:1:abc", "age:1:9e9", "head:1:-3", "breed:99:x", "age:x:1", "page:0:zz"):
        answer = await harness.users.press(mina.id, mina.id, film["message_id"], data)
        assert answer["answered"], data


async def test_a_name_that_cannot_be_seen_is_asked_for_again(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Add a name")
    asked = await mina.sees("your pet's name")
    for blank in ("\u3164", "\u2800 \u200b"):
        sent = await mina.write(blank)
        await harness.message_after(mina.id, sent, "your pet's name")
    await mina.write("\u202eMomo\u202c 🐶")
    await mina.sees("Momo 🐶! What a lovely name")
    await harness.gone(mina.id, asked)
    assert (await mina.portrait()).name == "Momo 🐶"


async def test_the_name_of_a_known_pet_may_be_typed(harness: Harness) -> None:
    mina = harness.user()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.send(shade=90)
    await mina.sees("Nice to see Momo")
    await mina.write("momo")
    await mina.sees("photo of Momo as a baby")


@pytest.mark.parametrize("label", ["Not now", "4 months"])
async def test_another_press_takes_the_question_for_a_name_back(harness: Harness, label: str) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.press(film, "Add a name")
    question = await mina.sees("your pet's name", "Not now")
    await mina.press(question if label == "Not now" else film, label)
    await mina.write("Wow, thank you!")
    await mina.sees("Send me a photo of your pet")
    assert (await mina.portrait()).name == ""
    assert question["message_id"] not in [message["message_id"] for message in harness.said_in(mina.id)]


async def test_another_photo_takes_the_question_for_a_name_back(harness: Harness) -> None:
    mina = harness.user()
    await mina.press(await mina.ask_for_portrait(), "Add a name")
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
    await mina.press(await mina.ask_for_portrait(), "Add a name")
    await mina.sees("your pet's name")
    await mina.write("/cancel")
    await mina.sees("I stopped")
    await mina.write("thank you")
    await mina.sees("Send me a photo of your pet")
    assert (await mina.portrait()).name == ""
    await mina.press(await mina.sees(video=True), "Add a name")
    real = harness.services.storage.now
    harness.services.storage.now = lambda: real() + 7200
    thanks = await mina.write("good night")
    await harness.message(mina.id, "Send me a photo of your pet", after=thanks["message_id"])
    assert (await mina.portrait()).name == ""
