import os
import signal
from collections.abc import Sequence

import pytest

from bot.messaging.telegram_messenger import TelegramMessenger
from bot.playground.fake_telegram import BOT_ID
from bot.playground.methods.chats import member as described
from bot.playground.world import ChatKind
from engine import EngineClient, Forgotten
from storage import Photo, Portrait, State
from tests.bot.harness import Harness, Json, eventually, words_of
from tests.scripted_engine import Script


async def test_young_as_a_reply_in_a_topic(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    chat.forum = True
    topic = await harness.users.open_topic(mina.id, chat.id, "Pets")
    photo = await mina.send(chat=chat.id, topic=topic)
    assert harness.said_in(chat.id) == []
    asked = await joon.write("/young@throwback_bot", chat.id, reply_to=photo["message_id"], topic=topic)
    breed = await harness.message(chat.id, "Samoyed")
    assert breed["reply_to_message"]["message_id"] == asked["message_id"]
    await joon.press(breed, "Samoyed")
    await joon.press(await harness.message(chat.id, "Reply to this message with it"), "Go on without")
    film = await harness.message(chat.id, video=True)
    assert (film["message_thread_id"], film["is_topic_message"]) == (topic, True)
    assert film["reply_to_message"]["message_id"] == asked["message_id"]


async def test_young_as_a_caption(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await mina.send(chat=chat.id, caption="/young@throwback_bot Samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, video=True)


async def test_only_the_owner_presses(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon", "ko")
    chat = harness.group(mina, joon)
    await mina.send(chat=chat.id, caption="/young@throwback_bot")
    breed = await harness.message(chat.id, "Samoyed")
    answer = await joon.press(breed, "Samoyed")
    assert answer["show_alert"] and "사진을 보낸 분의 것" in answer["text"]
    assert (await mina.portrait()).state is State.AWAITING_BREED


async def test_a_baby_photo_and_a_breed_as_replies(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    await mina.send(chat=chat.id, caption="/young@throwback_bot")
    breed = await harness.message(chat.id, "Samoyed")
    await mina.press(breed, "Another breed")
    await harness.message(chat.id, "Reply to this message with the breed")
    await joon.write("poodle", chat.id, reply_to=breed["message_id"])
    await mina.write("maltese", chat.id, reply_to=breed["message_id"])
    asked = await harness.message(chat.id, "baby photo")
    await mina.send(chat=chat.id, shade=90, reply_to=asked["message_id"])
    await harness.message(chat.id, video=True)
    portrait = await mina.portrait()
    assert portrait.breed == "maltese" and portrait.baby_photo is not None


async def test_silence_when_not_asked(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    await harness.users.promote_bot(mina.id, chat.id)  # as an administrator it sees everything
    await mina.send(chat=chat.id)
    hello = await mina.write("hello", chat.id)
    await joon.write("nice", chat.id, reply_to=hello["message_id"])
    await joon.write("/start@other_bot", chat.id)
    await joon.write("/help@throwback_bot", chat.id)
    await harness.message(chat.id, "I keep quiet")
    assert len(harness.said_in(chat.id)) == 1
    assert await harness.services.storage.people.get(joon.id) is None


async def test_young_without_a_photo_is_explained(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await mina.write("/young@throwback_bot", chat.id)
    await harness.message(chat.id, "Reply to a photo of a pet")


async def test_a_group_that_becomes_a_supergroup_keeps_its_portraits(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina, kind=ChatKind.GROUP)
    await mina.send(chat=chat.id, caption="/young@throwback_bot")
    await harness.message(chat.id, "Samoyed")
    new = await harness.users.migrate(mina.id, chat.id)
    await mina.write("/young@throwback_bot", new.id)
    await harness.message(new.id, "Reply to a photo of a pet")
    portrait = await mina.portrait()
    assert portrait.chat == new.id
    await harness.services.answers.choose_breed(portrait.id, "samoyed")
    await harness.message(new.id, "baby photo")


async def test_migration_while_the_engine_works(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina, kind=ChatKind.GROUP)
    await mina.send(Script.HOLD, chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, "Getting to know", photo=True)
    new = await harness.users.migrate(mina.id, chat.id)
    world = harness.telegram.world

    async def shown(picture: bool) -> list[Json]:
        there = [world.show(message) for message in world.messages[new.id].values()]
        return [one for one in there if "Getting to know" in words_of(one) and ("photo" in one) is picture]

    await eventually(lambda: shown(picture=False))
    engine = harness.services.engine
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)  # the next process begins again and tells of it
    (progress,) = await eventually(lambda: shown(picture=True))
    await engine.describe()  # lets go of what the scripted engine holds
    await harness.message(new.id, video=True)
    await mina.portrait_in(State.DONE)

    async def gone() -> bool:
        return progress["message_id"] not in world.messages[new.id]

    await eventually(gone)


async def test_what_is_cancelled_while_its_group_moves_shows_no_progress_there(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = harness.user()
    chat = harness.group(mina, kind=ChatKind.GROUP)
    await mina.send(Script.HOLD, chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, "Getting to know", photo=True)
    moved = TelegramMessenger.show_moved

    async def too_late(messenger: TelegramMessenger, portrait: Portrait) -> None:
        await harness.services.portraits.cancel(portrait.id)
        await harness.message(portrait.chat, "I stopped")
        await moved(messenger, portrait)

    monkeypatch.setattr(TelegramMessenger, "show_moved", too_late)
    new = await harness.users.migrate(mina.id, chat.id)
    world = harness.telegram.world

    async def settled() -> bool:
        said = [words_of(world.show(message)) for message in world.messages[new.id].values()]
        return len([text for text in said if "I stopped" in text]) > 1 and not any("Getting" in text for text in said)

    await eventually(settled)


async def test_who_waits_in_a_group_that_moves_is_told_there(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon, kind=ChatKind.GROUP)
    for member, shade in ((mina, 200), (joon, 77)):
        sent = await member.send(Script.HOLD, chat=chat.id, shade=shade, caption="/young@throwback_bot samoyed")
        await member.answers(baby=None, chat=chat.id, after=sent)
        await member.portrait_in(State.RUNNING if member is mina else State.QUEUED)
    new = await harness.users.migrate(mina.id, chat.id)
    world = harness.telegram.world

    async def told() -> bool:
        return any("ahead of you" in words_of(world.show(one)) for one in world.messages[new.id].values())

    await eventually(told)


async def test_a_command_that_another_bot_deletes_is_answered(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    asked = await mina.write("/young@throwback_bot", chat.id)
    await harness.users.delete(mina.id, chat.id, asked["message_id"])
    assert "reply_to_message" not in await harness.message(chat.id, "Reply to a photo of a pet")


async def test_channels_are_left_in_peace(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    change = {
        "chat": harness.telegram.world.describe(chat) | {"type": "channel"},
        "from": harness.telegram.world.user(mina.id).as_user(),
        "date": harness.telegram.now(),
        "old_chat_member": described(harness.telegram, chat, BOT_ID, "left"),
        "new_chat_member": described(harness.telegram, chat, BOT_ID, "administrator"),
    }
    harness.telegram.updates.add("my_chat_member", change)
    await mina.write("/privacy")
    await mina.sees("What I keep")
    await harness.close()  # ends what is being handled
    assert harness.said_in(chat.id) == []


async def test_added_and_removed(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.telegram.world.add_group("Family", [mina.id], ChatKind.SUPERGROUP)
    await harness.users.add_bot(mina.id, chat.id)
    await harness.message(chat.id, "Hello everyone")
    await mina.send(chat=chat.id, caption="/young@throwback_bot")
    await harness.message(chat.id, "Samoyed")
    await harness.users.remove_bot(mina.id, chat.id)
    await mina.portrait_in(State.CANCELLED)
    group = await harness.services.storage.groups.get(chat.id)
    assert group is not None and not group.present


async def test_removed_while_the_engine_works(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    forget = EngineClient.forget

    async def forget_and_tell(engine: EngineClient, photos: Sequence[str]) -> Forgotten:
        forgotten.extend(photos)
        return await forget(engine, photos)

    monkeypatch.setattr(EngineClient, "forget", forget_and_tell)
    mina = harness.user()
    chat = harness.group(mina)
    await mina.send(Script.HOLD, chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    photo = (await mina.portrait_in(State.RUNNING)).photo
    await harness.users.remove_bot(mina.id, chat.id)

    async def nothing_left() -> bool:
        kept = (await harness.services.storage.counts()).media_bytes
        return not kept and not harness.services.worker.running and (await mina.portrait()).photo is None

    await eventually(nothing_left)
    assert forgotten == [photo]


async def test_removed_although_its_restrictions_stay(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.telegram.world.add_group("Family", [mina.id], ChatKind.SUPERGROUP)
    await harness.users.add_bot(mina.id, chat.id)
    await harness.message(chat.id, "Hello everyone")
    rights = ("messages", "audios", "documents", "photos", "videos", "video_notes", "voice_notes", "polls")
    may = [*(f"can_send_{right}" for right in rights), "can_send_other_messages", "can_add_web_page_previews"]
    may += [
        "can_change_info",
        "can_invite_users",
        "can_pin_messages",
        "can_manage_topics",
        "can_edit_tag",
        "can_react_to_messages",
    ]
    left = dict.fromkeys(may, False) | {"status": "restricted", "is_member": False, "until_date": 0}
    change = {
        "chat": harness.telegram.world.describe(chat),
        "from": harness.telegram.world.user(mina.id).as_user(),
        "date": harness.telegram.now(),
        "old_chat_member": described(harness.telegram, chat, BOT_ID, "member"),
        "new_chat_member": left | {"user": harness.telegram.bot},
    }
    harness.telegram.updates.add("my_chat_member", change)

    async def gone() -> bool:
        group = await harness.services.storage.groups.get(chat.id)
        return group is not None and not group.present

    await eventually(gone)


async def test_anonymous_administrators_share_their_portraits(harness: Harness) -> None:
    mina, joon, yuna = harness.user(), harness.user("Joon"), harness.user("Yuna")
    chat = harness.group(mina, joon, yuna)
    await harness.users.set_member(chat.id, mina.id, "administrator")
    await harness.users.set_member(chat.id, joon.id, "administrator")
    await mina.send(chat=chat.id, caption="/young@throwback_bot", anonymous=True)
    breed = await harness.message(chat.id, "Samoyed")
    assert "belong to the person" in (await yuna.press(breed, "Samoyed"))["text"]
    await joon.press(breed, "Samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, video=True)
    (portrait,) = await harness.services.storage.portraits.of_owner(chat.id)
    assert portrait.owner == chat.id


async def test_a_group_has_its_own_daily_limit(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    await harness.services.storage.groups.limit(chat.id, 1, harness.services.storage.now())
    await mina.send(chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, video=True)
    await joon.send(chat=chat.id, caption="/young@throwback_bot")
    assert "1 picture" not in words_of(await harness.message(chat.id, "has had its picture for today"))


async def test_what_is_another_bots_is_none_of_ours(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await harness.users.promote_bot(mina.id, chat.id)  # as an administrator it sees everything
    await mina.send(chat=chat.id, caption="/young@other_bot")
    await mina.send(chat=chat.id, caption="/young@Throwback_Bot")
    await harness.message(chat.id, "Samoyed")
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_added_by_a_link_it_says_what_it_does_in_groups(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await mina.write("/start@throwback_bot", chat.id)
    await harness.message(chat.id, "I keep quiet")


async def test_personal_things_are_for_private_chats(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    for command in ("history", "mydata", "forgetme", "language"):
        asked = await mina.write(f"/{command}@throwback_bot", chat.id)
        said = await harness.message(chat.id, "in private", after=asked["message_id"])
        assert "@throwback_bot" in said["text"]


async def test_a_question_is_asked_again_in_the_supergroup(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina, kind=ChatKind.GROUP)
    await mina.send(chat=chat.id, caption="/young@throwback_bot")
    old = await harness.message(chat.id, "Samoyed")
    new = await harness.users.migrate(mina.id, chat.id)
    asked = await harness.telegram.wait_for(
        lambda message: message["chat"]["id"] == new.id and "reply_markup" in message, new.id
    )
    assert "reply_to_message" not in asked  # the photo has another number here, and an old number is another message
    assert asked["chat"]["id"] != old["chat"]["id"]
    await mina.press(asked, "Samoyed")
    await mina.answers(baby=None, chat=new.id)
    await harness.message(new.id, video=True)


async def test_a_name_is_asked_for_so_that_the_answer_is_a_reply(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await mina.send(chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    film = await harness.message(chat.id, video=True)
    await mina.portrait_in(State.DONE)
    await mina.press(film, "Add a name")
    asked = await harness.message(chat.id, "Reply to this message, and I'll remember it")
    await mina.write("Momo", chat.id, reply_to=asked["message_id"])
    await harness.message(chat.id, "Momo! What a lovely name")
    assert (await mina.portrait()).name == "Momo"


async def test_a_group_for_words_only_is_told_so_and_gets_its_pictures_later(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    await harness.users.allow_media(mina.id, chat.id, allowed=False)
    await joon.send(chat=chat.id, caption="/young@throwback_bot")
    await harness.message(chat.id, "Samoyed")
    sent = await mina.send(chat=chat.id, shade=90, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id, after=sent)
    refused = await harness.message(chat.id, "not allowed to send pictures", "Try again")
    made = await mina.portrait_in(State.DONE)
    assert (
        len([message for message in harness.said_in(chat.id) if "not allowed to send" in message.get("text", "")]) == 1
    )
    assert (await joon.portrait()).state is State.AWAITING_BREED
    await harness.users.allow_media(mina.id, chat.id)
    await mina.press(refused, "Try again")
    await harness.message(chat.id, "Here you go", photo=True)
    await harness.message(chat.id, "8 weeks", video=True)
    assert (await mina.portrait()).started_at == made.started_at  # sent from what was kept, not made again


async def test_a_group_for_words_only_sees_progress_in_words(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await harness.users.allow_media(mina.id, chat.id, allowed=False)
    await mina.send(Script.HOLD, chat=chat.id, caption="/young@throwback_bot samoyed")
    await mina.answers(baby=None, chat=chat.id)
    await harness.message(chat.id, "Getting to know", photo=False)


async def test_what_a_channel_asked_for_is_nobodys_elsewhere(harness: Harness) -> None:
    """Buttons can be invented, and the ids of portraits are consecutive."""
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina)
    sent = await mina.send(chat=chat.id)
    photo = Photo(
        owner=-1009999,  # the channel in whose name somebody of the group writes
        chat=chat.id,
        message=sent["message_id"],
        file_id=sent["document"]["file_id"],
        language="en",
        breed="samoyed",
    )
    portrait = await harness.services.portraits.receive(photo)
    await mina.answers(baby=None, chat=chat.id)
    film = await harness.message(chat.id, video=True)
    await joon.write("/privacy")
    elsewhere = await joon.sees("What I keep")
    for verb in ("film", "delyes"):
        data = f"{verb}:{portrait.id}:1.00"
        answer = await harness.users.press(joon.id, joon.id, elsewhere["message_id"], data)
        assert "belong to the person who sent the photo" in answer["text"]
    assert harness.said_in(joon.id) == [elsewhere]
    await mina.press_more(film, "Card")
    await harness.message_after(chat.id, film, "card for the family")


FORGED = ("page:0:0.0", "lang:0:de", "keep:0:", "forget:0:")
FORGED_OF_ONES_OWN = ("more:{id}:1.00", "v:{id}:1.00 love", "del:{id}:1.00", "delno:{id}:g0.0", "delyes:{id}:1.00")


async def test_forged_buttons_change_no_message_about_somebody_elses_pet(harness: Harness) -> None:
    """Apps can press what no button says, on any message: in a group they must not change what is another's."""
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    films = []
    for member, shade in ((mina, 200), (joon, 90)):
        sent = await member.send(chat=chat.id, shade=shade, caption="/young@throwback_bot samoyed")
        await member.answers(baby=None, chat=chat.id, after=sent)
        films.append(await harness.message_after(chat.id, sent, video=True))
        await member.portrait_in(State.DONE)
    before, own = harness.said_in(chat.id), (await joon.portrait()).id
    for data in (*FORGED, *(one.format(id=own) for one in FORGED_OF_ONES_OWN)):
        answer = await harness.users.press(joon.id, chat.id, films[0]["message_id"], data)
        assert "belong to the person who sent the photo" in answer["text"], data
    assert harness.said_in(chat.id) == before
    assert await joon.portrait()
    await joon.press(films[1], "More")
    await harness.message(chat.id, "Story", after=films[1]["message_id"] - 1)


async def test_a_clip_with_young_as_its_caption_is_answered(harness: Harness) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    world = harness.telegram.world
    clip = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "duration": 1}
    message = {"message_id": 900_000, "date": 1_700_000_000, "chat": world.describe(chat), "video": clip}
    message |= {"from": world.user(mina.id).as_user(), "caption": "/young@throwback_bot"}
    harness.telegram.updates.add("message", message)
    await harness.message(chat.id, "I need a still photo")
