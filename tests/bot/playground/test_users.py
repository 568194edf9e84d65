"""What users do arrives at the bot as it would from Telegram, read by python-telegram-bot."""

import asyncio
from typing import Any

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultCachedPhoto,
    InlineQueryResultsButton,
    Update,
)
from telegram.error import BadRequest, Forbidden

from bot.playground.errors import ApiError
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Upload
from bot.playground.users import Users
from bot.playground.world import ChatKind
from tests.bot.playground.conftest import FAMILY, JOON, MINA
from tests.bot.playground.pictures import jpeg

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Younger", callback_data="younger:7")]])


async def updates(bot: Bot) -> list[Update]:
    """All updates that wait, confirmed."""
    found = list(await bot.get_updates())
    if found:
        await bot.get_updates(offset=found[-1].update_id + 1)
    return found


async def test_pressed_button_is_answered(bot: Bot, users: Users) -> None:
    await users.write(MINA, MINA, "hello")
    sent = await bot.send_message(MINA, "How young?", reply_markup=KEYBOARD)
    await updates(bot)
    press = asyncio.create_task(users.press(MINA, MINA, sent.message_id, "younger:7"))
    (update,) = await bot.get_updates(timeout=5)
    query = update.callback_query
    assert query is not None and query.data == "younger:7" and query.from_user.id == MINA
    assert query.message is not None and query.message.is_accessible
    await query.answer("Gladly", show_alert=True)
    assert await press == {"answered": True, "text": "Gladly", "show_alert": True}
    with pytest.raises(BadRequest, match="uery is too old"):
        await query.answer()


async def test_button_of_an_old_message_has_no_message(bot: Bot, users: Users) -> None:
    await users.write(MINA, MINA, "hello")
    sent = await bot.send_message(MINA, "How young?", reply_markup=KEYBOARD)
    await updates(bot)
    press = asyncio.create_task(users.press(MINA, MINA, sent.message_id, "x", inaccessible=True))
    (update,) = await bot.get_updates(timeout=5)
    assert update.callback_query is not None and update.callback_query.message is not None
    assert not update.callback_query.message.is_accessible
    await update.callback_query.answer()
    await press


async def test_album_is_separate_updates_with_one_group(bot: Bot, users: Users) -> None:
    uploads = [Upload(f"{n}.jpg", "image/jpeg", jpeg()) for n in range(3)]
    await users.send(MINA, MINA, uploads, caption="then and now")
    messages = [update.message for update in await updates(bot)]
    assert len({message.media_group_id for message in messages if message}) == 1
    assert [message.caption for message in messages if message] == ["then and now", None, None]


async def test_files_keep_their_bytes_and_name(bot: Bot, users: Users) -> None:
    await users.send(MINA, MINA, [Upload("dog.heic", "", b"not really")], as_files=True)
    (update,) = await updates(bot)
    assert update.message is not None and update.message.document is not None
    document = update.message.document
    assert (document.file_name, document.mime_type, document.file_size) == ("dog.heic", "image/heic", 10)
    assert await (await document.get_file()).download_as_bytearray() == b"not really"


async def test_unreadable_picture_cannot_be_a_photo(users: Users) -> None:
    with pytest.raises(Exception, match="IMAGE_PROCESS_FAILED"):
        await users.send(MINA, MINA, [Upload("dog.jpg", "image/jpeg", b"\xff\xd8broken")])


async def test_edited_message_and_reply(bot: Bot, users: Users) -> None:
    said = await users.write(MINA, MINA, "pupy")
    await users.edit(MINA, MINA, said["message_id"], "puppy")
    await users.write(MINA, MINA, "that one", reply_to=said["message_id"])
    _, edited, reply = await updates(bot)
    assert edited.edited_message is not None and edited.edited_message.text == "puppy"
    assert reply.message is not None and reply.message.reply_to_message is not None
    assert reply.message.reply_to_message.text == "puppy"


async def test_people_cannot_say_more_than_telegram_lets_them(users: Users) -> None:
    with pytest.raises(ApiError, match="album"):
        await users.send(MINA, MINA, [Upload(f"{n}.txt", "", b"x") for n in range(11)], as_files=True)
    said = (await users.write(MINA, MINA, "pupy"))["message_id"]
    for text, refusal in (("", "empty"), ("x" * 4097, "too long")):
        with pytest.raises(ApiError, match=refusal):
            await users.edit(MINA, MINA, said, text)
    (photo,) = await users.send(MINA, MINA, [Upload("a.jpg", "image/jpeg", jpeg())], caption="pupy")
    with pytest.raises(ApiError, match="caption is too long"):
        await users.edit(MINA, MINA, photo["message_id"], "x" * 1025)
    assert "caption" not in await users.edit(MINA, MINA, photo["message_id"], "")
    forwarded = await users.forward(MINA, MINA, said, MINA)
    with pytest.raises(ApiError, match="can't be edited"):
        await users.edit(MINA, MINA, forwarded["message_id"], "puppy")


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"caption": "x" * 1025}, "caption is too long"),
        ({"id": "x" * 65}, "esult_id_invalid"),
        ({"photo_file_id": "unknown"}, "rong file identifier"),
    ],
)
async def test_inline_results_are_as_strictly_read_as_messages(
    bot: Bot, users: Users, wrong: dict[str, Any], refusal: str
) -> None:
    await users.write(MINA, MINA, "hello")
    photo = await bot.send_photo(MINA, jpeg())
    await updates(bot)
    asked = asyncio.create_task(users.ask_inline(MINA, MINA, ""))
    (update,) = await bot.get_updates(timeout=5)
    assert update.inline_query is not None
    with pytest.raises(BadRequest, match=refusal):
        right = {"id": "p", "photo_file_id": photo.photo[-1].file_id}
        await update.inline_query.answer([InlineQueryResultCachedPhoto(**right | wrong)])
    with pytest.raises(BadRequest, match="tart_param"):
        button = InlineQueryResultsButton("Begin", start_parameter="not here")
        await update.inline_query.answer([], button=button)
    await update.inline_query.answer([])
    assert (await asked)["results"] == []


async def test_inline_results_are_offered_and_chosen(bot: Bot, users: Users, telegram: FakeTelegram) -> None:
    await users.write(MINA, MINA, "hello")
    photo = await bot.send_photo(MINA, jpeg())
    await updates(bot)
    asked = asyncio.create_task(users.ask_inline(MINA, FAMILY, "mochi"))
    (update,) = await bot.get_updates(timeout=5)
    assert update.inline_query is not None and update.inline_query.chat_type == "group"
    await update.inline_query.answer([InlineQueryResultCachedPhoto("p", photo.photo[-1].file_id, caption="Mochi")])
    offered = await asked
    assert [result["id"] for result in offered["results"]] == ["p"]
    await users.choose_inline(MINA, FAMILY, offered["query_id"], "p")
    (chosen,) = await bot.get_updates(offset=update.update_id + 1)
    assert chosen.message is not None and chosen.message.via_bot is not None
    assert chosen.message.photo == photo.photo and chosen.message.caption == "Mochi"
    telegram.inline_mode = False
    assert not (await users.ask_inline(MINA, FAMILY, "mochi"))["answered"]


async def test_topics(bot: Bot, users: Users, telegram: FakeTelegram) -> None:
    forum = telegram.world.add_group("Club", [MINA, JOON], ChatKind.SUPERGROUP, forum=True)
    await users.add_bot(MINA, forum.id)
    topic = await users.open_topic(MINA, forum.id, "Puppies")
    await users.write(JOON, forum.id, "/young@throwback_bot", topic=topic)
    await users.write(JOON, forum.id, "/young@throwback_bot")
    in_topic, in_general = [update.message for update in await updates(bot)][-2:]
    assert in_topic is not None and in_topic.is_topic_message and in_topic.message_thread_id == topic
    assert in_topic.reply_to_message is not None and in_topic.reply_to_message.forum_topic_created is not None
    assert in_general is not None and in_general.message_thread_id is None
    answer = await in_topic.reply_text("here")
    assert answer.message_thread_id == topic and answer.is_topic_message
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_message(forum.id, "x", message_thread_id=topic + 1)


async def test_anonymous_administrator_has_the_groups_name(bot: Bot, users: Users) -> None:
    await users.write(MINA, FAMILY, "/start@throwback_bot", anonymous=True)
    (update,) = await updates(bot)
    assert (
        update.message is not None and update.message.from_user is not None and update.message.sender_chat is not None
    )
    assert update.message.from_user.username == "GroupAnonymousBot" and update.message.sender_chat.id == FAMILY


async def test_removed_and_added_again(bot: Bot, users: Users) -> None:
    await users.remove_bot(MINA, FAMILY)
    with pytest.raises(Forbidden, match="kicked"):
        await bot.send_message(FAMILY, "x")
    await users.add_bot(MINA, FAMILY)
    await users.promote_bot(MINA, FAMILY)
    await users.write(JOON, FAMILY, "administrators hear everything")
    seen = await updates(bot)
    changes = [update.my_chat_member.new_chat_member.status for update in seen if update.my_chat_member]
    assert changes == ["kicked", "member", "administrator"]
    assert seen[-1].message is not None and seen[-1].message.text == "administrators hear everything"
    assert (await bot.get_chat_member(FAMILY, bot.id)).status == "administrator"
