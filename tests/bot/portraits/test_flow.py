"""The way of one photo, on the real bot against the playground's Telegram."""

from collections.abc import Sequence

import pytest

from bot.playground.faults import Fault, FaultKind
from bot.timings import Timings
from engine import Forgotten
from storage import FailureReason, PortraitFailure, State
from tests.bot.harness import Harness, eventually, labels
from tests.scripted_engine import Script


async def test_photo_to_film(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send()
    breed = await mina.sees("Which breed", "Samoyed", "I don't know")
    assert breed["reply_to_message"]["message_id"] == photo["message_id"]
    await mina.press(breed, "Samoyed")
    await mina.press(await mina.sees("baby photo", "Go on without"), "Go on without")
    film = await mina.sees("back to the early days", "• 8 weeks •", "😍", "More", video=True)
    still = await mina.sees("Here you go", photo=True)
    assert still["message_id"] < film["message_id"]
    assert film["reply_to_message"]["message_id"] == photo["message_id"]
    portrait = await mina.portrait_in(State.DONE)
    assert (portrait.breed, portrait.network) == ("samoyed", "scripted")
    await harness.gone(mina.id, breed)  # the status message goes last
    assert [sorted(message.keys() & {"photo", "video"}) for message in harness.said_in(mina.id)] == [
        ["photo"],
        ["video"],
    ]


async def test_in_korean(harness: Harness) -> None:
    joon = harness.user("Joon", "ko")
    await joon.send(Script.CAT)
    await joon.press(await joon.sees("고양이", "잘 모르겠어요"), "잘 모르겠어요")
    await joon.press(await joon.sees("아기 때 사진"), "사진 없이")
    await joon.sees("아기 때까지", "4개월", video=True)


async def test_with_a_baby_photo(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=90)
    await mina.sees(video=True)
    portrait = await mina.portrait_in(State.DONE)
    assert portrait.baby_photo is not None and portrait.baby_photo != portrait.photo
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_a_baby_photo_that_is_none_is_asked_for_again(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    await mina.send(Script.NOT_AN_IMAGE)
    await mina.press(await mina.sees("couldn't open the baby photo"), "Go on without")
    await mina.sees(video=True)


async def test_a_question_is_asked_once(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    calls = [call.method for call in harness.telegram.calls if call.chat_id == mina.id]
    assert (calls.count("sendMessage"), calls.count("editMessageText")) == (1, 1)


async def test_a_puppy_is_shown_grown_up(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.press(await mina.sees("baby photo"), "still a baby")
    film = await mina.sees(video=True)
    await mina.sees("All grown up", photo=True)
    assert labels(film)[:4] == ["today", "4 months", "1 year", "• grown up •"]


async def test_the_owner_says_which_head(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.TWO_HEADS)
    await mina.answers(head=2)
    await mina.sees("Which breed")
    assert (await mina.portrait()).head == 1


async def test_the_question_which_head_shows_their_numbers(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.TWO_HEADS)
    numbered = await mina.sees("I see 2 pets", photo=True)
    assert labels(numbered) == ["No. 1", "No. 2", "Both", "Cancel"]
    await mina.press(numbered, "No. 1")
    await mina.sees("Which breed")
    assert (await mina.portrait()).numbered is None


async def test_all_pets_of_a_photo_are_made_one_after_the_other_and_shown_together(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send(Script.DOG_AND_CAT)
    await mina.press(await mina.sees("I see 2 pets"), "Both")
    await mina.press(await mina.sees("lovely dog"), "Samoyed")
    await mina.answers(baby=None)
    second = await mina.sees("Now number 2. What a lovely cat!")
    assert second["reply_to_message"]["message_id"] == photo["message_id"]
    await mina.portrait_in(State.DONE)
    await mina.press(second, "Tabby")
    await mina.press(await mina.sees("Tabby cat, got it!"), "Go on without")
    await mina.sees("All of them, little again", photo=True)
    card = await mina.sees("One card with all of them", photo=True)
    dog, cat = await mina.portraits_in(State.DONE, 2)
    assert (dog.together, cat.together, dog.head, cat.head, cat.species) == (dog.id, dog.id, 0, 1, "cat")
    film = await harness.message_after(mina.id, second, video=True)
    await mina.press_more(film, "Delete")
    answer = await mina.press(await mina.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == [], card


async def test_what_is_asked_and_made_is_of_the_chosen_pet(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.DOG_AND_CAT)
    await mina.answers(head=2)
    await mina.press(await mina.sees("lovely cat", "Tabby", "Persian"), "I don't know")
    await mina.answers(baby=None)
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).species == "cat"  # as the engine was told


async def test_a_breed_in_a_caption_is_no_breed_of_the_other_species(harness: Harness) -> None:
    mina = harness.user()
    sent = await mina.send(Script.DOG_AND_CAT, caption="Samoyed")
    await mina.answers(head=2)
    await mina.sees("lovely cat", "Tabby")
    await mina.send(Script.DOG_AND_CAT, shade=90, caption="Samoyed")
    await mina.answers(head=1, after=sent)
    await mina.sees("Samoyed, got it!")


async def test_no_pet_asks_for_another_photo_or_tries_anyway(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.NO_PET)
    await mina.press(await mina.sees("can't find a dog or cat"), "Try anyway")
    await mina.press(await mina.sees("Which breed is it?"), "I don't know")
    await mina.answers(baby=None)
    await mina.sees(video=True)


async def test_a_face_that_cannot_be_used_is_refused_before_anything_is_asked(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.NO_FACE)
    await mina.press(await mina.sees("can't see the face well"), "Try anyway")
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).photo_quality == "poor"


async def test_a_weak_photo_is_called_so_before_the_work(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.DARK)
    asked = await mina.sees("rather dark in this photo", "Go on with this one")
    assert not [message for message in harness.said_in(mina.id) if "Which breed" in message.get("text", "")]
    await mina.press(asked, "Go on with this one")
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).photo_quality == "fair"


async def test_another_photo_takes_the_place_of_a_weak_one(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.DARK, caption="Momo, Samoyed")
    weak = await mina.sees("rather dark in this photo")
    better = await mina.send(shade=90)
    question = await harness.message_after(mina.id, better, "photo of Momo as a baby")
    assert question["reply_to_message"]["message_id"] == better["message_id"]
    assert weak["message_id"] not in [message["message_id"] for message in harness.said_in(mina.id)]
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_not_an_image_gets_one_sentence(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.NOT_AN_IMAGE)
    answer = await mina.sees("couldn't open that")
    assert labels(answer) == ["🗑 Delete"]
    assert (await mina.portrait()).state is State.FAILED


async def test_a_typed_breed(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.press(await mina.sees("Samoyed"), "Another breed")
    await mina.sees("Type the breed")
    nonsense = await mina.write("xyzzy")
    asked = await harness.message_after(mina.id, nonsense, "don't know “xyzzy”")
    meant = await mina.write("golden retreiver")
    await harness.message_after(mina.id, meant, "baby photo")  # below the last words, where it is seen
    assert (await mina.portrait()).breed == "golden_retriever"
    await harness.gone(mina.id, asked)


async def test_after_a_baby_photo_the_progress_is_below_it(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed")
    asked = await mina.sees("baby photo")
    baby = await mina.send(shade=90)
    await harness.message_after(mina.id, baby, "Getting to know")
    await harness.gone(mina.id, asked)


async def test_typed_words_that_may_mean_several_breeds(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    await mina.write("retriever")
    await mina.press(await mina.sees("Did you mean", "Labrador"), "Golden Retriever")
    await mina.sees("baby photo")
    assert (await mina.portrait()).breed == "golden_retriever"


@pytest.mark.parametrize("words", ["hello", "cancel", "Charlie", "Max", "Thor", "Mochi"])
async def test_words_that_are_no_breed_are_not_taken_for_one(harness: Harness, words: str) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    await mina.write(words)
    await mina.sees(f"don't know “{words}”", "Samoyed")
    assert (await mina.portrait()).state is State.AWAITING_BREED


async def test_a_cats_breed_under_a_dogs_photo_is_asked_about(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    await mina.write("Siamese")
    await mina.press(await mina.sees("Did you mean"), "Siamese")
    await mina.sees("Siamese, got it!", "baby photo")


async def test_the_breed_that_was_taken_is_said(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    await mina.write("golden retreiver")
    await mina.sees("Golden Retriever, got it!", "baby photo")


async def test_a_breed_that_was_taken_wrongly_is_put_right_by_telling_another(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    first = await mina.sees("Samoyed, got it!")
    said = await mina.write("no, it's a poodle")
    await harness.message_after(mina.id, said, "tap one of the buttons")
    said = await mina.write("poodle")
    again = await harness.message_after(mina.id, said, "Poodle, got it!", "baby photo")
    await mina.press(again, "Go on without")
    await mina.sees(video=True)
    assert (await mina.portrait()).breed == "poodle"
    assert first["message_id"] not in harness.telegram.world.messages[mina.id]


async def test_every_breed_that_nobody_knows_is_answered_below_it(harness: Harness) -> None:
    mina = harness.user()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.send(shade=90)
    question = await mina.sees("Momo again")
    for typed in ("xyzzy", "qwertz", "qwertz"):
        said = await mina.write(typed)
        answer = await harness.message_after(mina.id, said, f"don't know “{typed}”", "💛 Momo", "Samoyed")
        assert answer["reply_to_message"]["message_id"] == said["message_id"]
    await mina.press(answer, "Samoyed")  # answered in order: after all that came of the words
    assert (await mina.sees("Samoyed, got it!"))["message_id"] == answer["message_id"]
    shown = [message["message_id"] for message in harness.said_in(mina.id)]
    assert [one for one in shown if one >= question["message_id"]] == [answer["message_id"]]


async def test_a_long_story_is_quoted_in_short(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.sees("Samoyed")
    await mina.write("My dog is " + "very " * 500 + "nice")
    assert len((await mina.sees("don't know “My dog is very", "…”"))["text"]) < 150


async def test_cancel_while_choosing(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.press(await mina.sees("Samoyed"), "Cancel")
    await mina.sees("I stopped")
    assert (await mina.portrait()).state is State.CANCELLED


async def test_nothing_is_kept_of_what_was_cancelled(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = harness.services.engine
    forget, forgotten = engine.forget, list[str]()

    async def noted(photos: Sequence[str]) -> Forgotten:
        forgotten.extend(photos)
        return await forget(photos)

    monkeypatch.setattr(engine, "forget", noted)
    mina = harness.user()
    await mina.send(caption="Momo")
    asked = await mina.sees("Samoyed")
    portrait = await mina.portrait()
    await mina.press(asked, "Cancel")
    await mina.sees("I stopped")

    async def gone() -> bool:
        left = await mina.portrait()
        return not (left.photo or left.recognition or left.file_id or left.name)

    await eventually(gone)
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []
    assert forgotten == [portrait.photo]


async def test_a_photo_that_serves_another_portrait_stays_when_one_is_cancelled(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    first = await mina.portrait()
    await mina.press_more(film, "Other breed")
    question = await harness.message_after(mina.id, film, "Samoyed")
    await mina.press(question, "Cancel")
    await mina.sees("I stopped")

    async def gone() -> bool:
        return (await mina.portrait()).photo is None

    await eventually(gone)
    assert first.photo and await harness.services.storage.media.read(first.photo)
    await mina.press_more(film, "Other breed")
    await harness.message_after(mina.id, question, "Samoyed")


async def test_a_photo_that_failed_can_be_deleted(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.NO_PET)
    await mina.press(await mina.sees("can't find a dog or cat", "Try anyway"), "Delete")
    await mina.press(await mina.sees("Yes, delete the photo"), "Keep it")
    await mina.press(await mina.sees("Try anyway"), "Delete")
    answer = await mina.press(await mina.sees("Yes, delete the photo"), "Yes, delete the photo")
    assert "Nothing is left" in answer["text"]
    assert harness.said_in(mina.id) == []
    assert [path for path in (harness.settings.home / "media").glob("*/*") if path.is_file()] == []


async def test_cancel_while_the_engine_works(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.press(await mina.sees("Getting to know"), "Cancel")
    await mina.sees("I stopped")
    # The place in the engine is free again.
    await mina.ask_for_portrait(shade=90)


async def test_two_presses_make_one_portrait(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    breed = await mina.sees("Samoyed")
    await mina.press(breed, "Samoyed")
    await mina.answers(baby=None)
    await mina.sees(video=True)
    late = await harness.users.press(mina.id, mina.id, (await mina.sees(video=True))["message_id"], "skip:1:")
    assert late["answered"]
    assert len([message for message in harness.said_in(mina.id) if "video" in message]) == 1


async def test_a_fault_of_ours_is_admitted_and_can_be_retried(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.FAULT)
    await mina.answers(breed="Samoyed", baby=None)
    assert "Try again" in labels(await mina.sees("Something went wrong on my side"))
    assert (await mina.portrait()).failure == PortraitFailure(FailureReason.DEFECT, "ZeroDivisionError")


async def test_a_photo_that_kills_the_engine_fails_alone(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    await mina.send(Script.DIE)
    await joon.ask_for_portrait()
    await mina.sees("Something went wrong on my side")


async def test_a_second_photo_is_a_second_portrait(harness: Harness) -> None:
    mina = harness.user()
    first = await mina.send()
    await mina.sees("Which breed")
    await mina.send(Script.CAT)
    cat = await mina.sees("lovely cat")
    dog = await mina.sees("lovely dog")
    assert dog["reply_to_message"]["message_id"] == first["message_id"]
    await mina.press(cat, "Tabby")
    assert [one.breed for one in await harness.services.storage.portraits.of_owner(mina.id)] == [None, "tabby"]


@pytest.mark.parametrize("timings", [Timings(action_interval_s=0.05)], ids=["quick words"])
async def test_a_long_look_is_said_in_words(harness: Harness) -> None:
    """The message that says so becomes the question."""
    mina = harness.user()
    harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_GATEWAY, times=1))  # costs two seconds of patience
    await mina.send()
    looking = await mina.sees("have a look", "Cancel")
    question = await mina.sees("Samoyed")
    assert question["message_id"] == looking["message_id"]


async def test_a_baby_photo_may_have_a_caption(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    await mina.send(shade=90, caption="so small!")
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).baby_photo is not None


async def test_a_photo_with_a_breed_is_no_baby_photo(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    await mina.send(shade=90, caption="Poodle")
    await mina.portraits_in(State.AWAITING_BABY_PHOTO, 2)


async def test_a_wrongly_typed_breed_is_put_right_by_editing(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.press(await mina.sees("Samoyed"), "Another breed")
    typed = await mina.write("xyzzy")
    await mina.sees("don't know “xyzzy”")
    await harness.users.edit(mina.id, mina.id, typed["message_id"], "golden retriever")
    await mina.sees("baby photo")
    assert (await mina.portrait()).breed == "golden_retriever"


async def test_words_while_buttons_wait_point_to_the_buttons(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    question = await mina.sees("baby photo")
    await mina.write("no, sorry")
    hint = await mina.sees("tap one of the buttons here")
    assert hint["reply_to_message"]["message_id"] == question["message_id"]


async def test_words_while_the_engine_works_are_heard(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Getting to know")
    await mina.write("how long?")
    await mina.sees("I'm on it!")
