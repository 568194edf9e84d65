"""Messages as other apps, other chats and other servers bring them about."""

from typing import Any

import pytest

from bot.playground.fake_telegram import BOT_ID, BOT_USERNAME
from storage import State
from tests.bot.harness import Harness, Json, User, eventually, words_of
from tests.scripted_engine import Script


def told(harness: Harness, user: User, kind: str = "message", **content: Any) -> None:
    """Tell the bot of a message of this user's in private."""
    sender = {"id": user.id, "is_bot": False, "first_name": "Mina"}
    chat = {"id": user.id, "type": "private", "first_name": "Mina"}
    message = {"message_id": 900_000, "date": 1_700_000_000, "chat": chat, "from": sender}
    harness.telegram.updates.add_raw({kind: message | content})


async def all_through(user: User) -> None:
    """Wait until the bot has handled what came before."""
    await user.write("/privacy")
    await user.sees("What I keep")


def document(sent: Json) -> Json:
    return dict(sent["document"])


async def test_young_in_reply_to_a_photo_of_another_chat(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send(Script.PLAIN, caption="")
    await mina.sees("Samoyed")
    await mina.write("/cancel")
    await mina.sees("I stopped")
    origin = {"type": "hidden_user", "date": 1_700_000_000, "sender_user_name": "Joon"}
    command = {"type": "bot_command", "offset": 0, "length": 6}
    reply = {"origin": origin, "document": document(photo)}
    told(harness, mina, text="/young", entities=[command], external_reply=reply)
    portrait = await mina.portrait_in(State.AWAITING_BREED)
    assert portrait.message == 900_000


async def test_ones_own_result_sent_through_the_bot_is_left_alone(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send()
    await mina.sees("Samoyed")
    bot = {"id": BOT_ID, "is_bot": True, "first_name": "Throwback", "username": BOT_USERNAME}
    told(harness, mina, document=document(photo), via_bot=bot)
    await all_through(mina)
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_a_gif_is_a_clip(harness: Harness) -> None:
    mina = harness.user()
    await mina.write("/start")
    await mina.sees("Hello")
    clip = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "duration": 1, "mime_type": "video/mp4"}
    file = {"file_id": "f", "file_unique_id": "u", "file_name": "a.gif.mp4", "mime_type": "video/mp4"}
    told(harness, mina, animation=clip, document=file)
    await mina.sees("What a nice clip")
    command = {"type": "bot_command", "offset": 0, "length": 6}
    told(harness, mina, animation=clip, document=file, caption="/young", caption_entities=[command])
    await all_through(mina)
    assert len([one for one in harness.said_in(mina.id) if "nice clip" in words_of(one)]) == 2


async def test_a_photo_that_is_replaced_while_the_breed_is_asked(harness: Harness) -> None:
    mina = harness.user()
    first = await mina.send(Script.PLAIN, shade=200)
    await mina.sees("Samoyed")
    before = await mina.portrait_in(State.AWAITING_BREED)
    other = await harness.user("Joon").send(Script.PLAIN, shade=90)
    edit = {"message_id": first["message_id"], "edit_date": 1_700_000_001}
    told(harness, mina, "edited_message", document=document(other), **edit)
    await all_through(mina)

    async def replaced() -> bool:
        now = await harness.services.storage.portraits.get(before.id)
        return now is not None and now.state is State.AWAITING_BREED and now.photo not in (None, before.photo)

    await eventually(replaced)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees(video=True)
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_an_edited_caption_does_not_replace_the_photo(harness: Harness) -> None:
    mina = harness.user()
    sent = await mina.send()
    await mina.sees("Samoyed")
    before = await mina.portrait_in(State.AWAITING_BREED)
    again = document(sent) | {"file_id": "another id of the same file"}
    told(harness, mina, "edited_message", message_id=sent["message_id"], document=again, caption="look")
    await all_through(mina)
    assert (await mina.portrait()).file_id == before.file_id


NUMBER = "9" * 20


INVENTED = (
    f"page:0:{NUMBER}",
    f"page:0:0.{NUMBER}",
    "page:0:-1.0",
    "page:0:٣.٠",
    f"nopet:0:0.{NUMBER}",
    f"nopetyes:0:0.{NUMBER}",
    f"cancel:{NUMBER}:",
    "age:{id}:nan",
    "age:{id}:1e400",
    "delno:{id}:inf",
    "film:{id}:nan",
    "card:{id}:-inf",
    "head:{id}:-5",
    f"pet:{{id}}:{NUMBER}",
    "lang:0:xx",
    "",
    ":",
    "\x00",
)


async def test_invented_buttons_are_old_buttons(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    id_ = (await mina.portrait()).id
    for data in INVENTED:
        answer = await harness.users.press(mina.id, mina.id, film["message_id"], data.format(id=id_))
        assert answer["answered"], data
    await all_through(mina)
    assert not [one for one in harness.said_in(mina.id) if "went wrong" in words_of(one)]
    assert "ERROR" not in [record.levelname for record in caplog.records]


@pytest.mark.parametrize("text", [f"/block {NUMBER}", f"/limit -{NUMBER} 5", f"/limit -5 {NUMBER}", "/block ٣"])
async def test_numbers_that_are_none(tmp_path: Any, text: str) -> None:
    async with Harness(tmp_path, admins=frozenset({1003})) as harness:
        boss = harness.user("Boss")
        await boss.write(text)
        await boss.sees("/block ID" if text.startswith("/block") else "/limit GROUP_ID")


CLIP = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "duration": 1, "mime_type": "video/mp4"}
FILE = {"file_id": "f", "file_unique_id": "u"}
UNUSABLE: dict[str, Json] = {
    "nice clip": {"video": CLIP},
    "I need a photo of your pet": {"document": FILE | {"file_name": "a.pdf", "mime_type": "application/pdf"}},
    "too big for me": {"document": FILE | {"file_name": "a.jpg", "mime_type": "image/jpeg", "file_size": 30 << 20}},
}


@pytest.mark.parametrize("answer", UNUSABLE)
async def test_an_album_of_what_cannot_be_used_is_answered_once(harness: Harness, answer: str) -> None:
    mina = harness.user()
    for place in range(5):
        told(harness, mina, message_id=900_000 + place, media_group_id="7", **UNUSABLE[answer])
    await all_through(mina)
    assert len([one for one in harness.said_in(mina.id) if answer in words_of(one)]) == 1


async def test_a_clip_among_photos_is_left_alone(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send(Script.NO_PET)
    await mina.sees("can't find")
    told(harness, mina, document=document(photo), message_id=900_000, media_group_id="7")
    told(harness, mina, video=CLIP, message_id=900_001, media_group_id="7")
    await all_through(mina)
    assert not [one for one in harness.said_in(mina.id) if "nice clip" in words_of(one)]


async def test_a_breed_that_there_is_not_is_not_taken(harness: Harness) -> None:
    """A button may be invented, or of an earlier version."""
    mina = harness.user()
    await mina.send()
    question = await mina.sees("Samoyed")
    id_ = (await mina.portrait()).id
    await harness.users.press(mina.id, mina.id, question["message_id"], f"breed:{id_}:dodo")
    assert (await mina.portrait()).state is State.AWAITING_BREED
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees(video=True)
