"""The Bot API's methods, judged by python-telegram-bot: it must find every field that it requires."""

import asyncio
import io

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    ChatFullInfo,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken

from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods.profile import menu_for
from bot.playground.request_parameters import Upload
from bot.playground.server import Address
from bot.playground.users import Users
from tests.bot.playground.conftest import FAMILY, JOON, MINA
from tests.bot.playground.pictures import jpeg


async def test_bot_knows_who_it_is(bot: Bot) -> None:
    me = await bot.get_me()
    assert me.is_bot and me.username == "throwback_bot" and me.supports_inline_queries


async def test_wrong_token_is_refused(address: Address) -> None:
    stranger = Bot("1:wrong", f"{address.url}/bot")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()


async def test_message_reaches_bot_with_its_command(bot: Bot, users: Users) -> None:
    await users.write(MINA, MINA, "/start now")
    (update,) = await bot.get_updates()
    assert update.message is not None and update.message.from_user is not None
    assert update.message.text == "/start now" and update.message.from_user.first_name == "Mina"
    assert [entity.type for entity in update.message.entities] == ["bot_command"]
    assert await bot.get_updates(offset=update.update_id + 1) == ()


async def test_photo_comes_in_sizes_and_can_be_downloaded(bot: Bot, users: Users) -> None:
    await users.send(MINA, MINA, [Upload("dog.jpg", "image/jpeg", jpeg(3000, 2000))], caption="Mochi")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert [(size.width, size.height) for size in update.message.photo] == [
        (90, 60),
        (320, 213),
        (800, 533),
        (1280, 853),
    ]
    assert update.message.caption == "Mochi"
    file = await update.message.photo[-1].get_file()
    with Image.open(io.BytesIO(await file.download_as_bytearray())) as picture:
        assert picture.size == (1280, 853)


async def test_bot_answers_with_text_photo_and_buttons(bot: Bot, users: Users) -> None:
    said = await users.write(MINA, MINA, "hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Younger", callback_data="y")]])
    photo = await bot.send_photo(
        MINA,
        jpeg(),
        caption="Mochi",
        reply_markup=keyboard,
        reply_to_message_id=said["message_id"],
    )
    assert photo.caption == "Mochi" and photo.reply_markup == keyboard
    assert photo.reply_to_message is not None and photo.reply_to_message.text == "hello"
    again = await bot.send_photo(MINA, photo.photo[-1].file_id)
    assert again.photo == photo.photo
    edited = await bot.edit_message_caption(MINA, photo.message_id, caption="Another")
    assert not isinstance(edited, bool) and edited.caption == "Another" and edited.reply_markup is None
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_caption(MINA, photo.message_id, caption="Another")
    media = await bot.edit_message_media(InputMediaPhoto(jpeg(200, 200), caption="New"), MINA, photo.message_id)
    assert not isinstance(media, bool) and media.photo[-1].width == 200
    album = await bot.send_media_group(MINA, [InputMediaPhoto(jpeg()), InputMediaPhoto(photo.photo[-1].file_id)])
    assert len({message.media_group_id for message in album}) == 1
    assert await bot.delete_message(MINA, photo.message_id)
    with pytest.raises(BadRequest, match="essage to be replied not found"):
        await bot.send_message(MINA, "late", reply_parameters=ReplyParameters(photo.message_id))
    assert await bot.send_message(MINA, "x", reply_parameters=ReplyParameters(1, allow_sending_without_reply=True))


async def test_refusals(bot: Bot, users: Users) -> None:
    with pytest.raises(Forbidden, match="initiate"):
        await bot.send_message(MINA, "first")
    await users.write(MINA, MINA, "hello")
    with pytest.raises(BadRequest, match="caption is too long"):
        await bot.send_photo(MINA, jpeg(), caption="x" * 1025)
    with pytest.raises(BadRequest, match=r"(?i)photo_invalid_dimensions"):
        await bot.send_photo(MINA, jpeg(2100, 100))
    with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
        button = InlineKeyboardButton("x", callback_data="ü" * 33)
        await bot.send_message(MINA, "x", reply_markup=InlineKeyboardMarkup([[button]]))
    with pytest.raises(BadRequest, match="phones would not play"):
        await bot.send_video(MINA, b"not a film")
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_message(MINA, "x", message_thread_id=5)
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_chat_action(MINA, "typing", message_thread_id=5)
    with pytest.raises(BadRequest, match="unallowed characters"):
        await bot.set_webhook("http://127.0.0.1:9/hook", secret_token="pässword")
    with pytest.raises(BadRequest, match="nsupported parse_mode"):
        await bot.send_message(MINA, "<b>x</b>", parse_mode="HTML")
    await users.block(MINA)
    with pytest.raises(Forbidden, match="blocked"):
        await bot.send_message(MINA, "x")


async def test_privacy_mode_shows_bot_only_what_is_meant_for_it(bot: Bot, users: Users) -> None:
    await users.write(MINA, FAMILY, "/young, whoever hears it")
    sent = await bot.send_message(FAMILY, "I am here")
    await users.write(MINA, FAMILY, "what a day")
    await users.write(MINA, FAMILY, "/young@other_bot")
    for text in ("/young@throwback_bot", "@throwback_bot look"):
        await users.write(JOON, FAMILY, text)
    await users.write(JOON, FAMILY, "nice", reply_to=sent.message_id)
    await users.send(MINA, FAMILY, [Upload("a.jpg", "image/jpeg", jpeg())])
    await users.send(MINA, FAMILY, [Upload("a.jpg", "image/jpeg", jpeg())], caption="/young")
    seen = [update.message for update in await bot.get_updates()]
    assert [m.text or m.caption for m in seen if m] == ["/young@throwback_bot", "@throwback_bot look", "nice", "/young"]


async def test_migration_is_told_and_old_chat_points_to_new(bot: Bot, users: Users) -> None:
    new = await users.migrate(MINA, FAMILY)
    first, second = await bot.get_updates()
    assert first.message and first.message.migrate_to_chat_id == new.id
    assert second.message and second.message.migrate_from_chat_id == FAMILY
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(FAMILY, "x")
    assert moved.value.new_chat_id == new.id
    assert isinstance(await bot.get_chat(new.id), ChatFullInfo)


async def test_menu_follows_scope_and_language(bot: Bot, telegram: FakeTelegram, users: Users) -> None:
    await bot.set_my_commands([BotCommand("start", "Begin")])
    await bot.set_my_commands([BotCommand("start", "시작")], language_code="ko")
    stats = [BotCommand("stats", "Numbers")]
    with pytest.raises(BadRequest, match="hat not found"):
        await bot.set_my_commands(stats, scope=BotCommandScopeChat(MINA))
    await users.write(MINA, MINA, "/start")
    await bot.set_my_commands(stats, scope=BotCommandScopeChat(MINA))
    with pytest.raises(BadRequest, match="language code"):
        await bot.set_my_commands(stats, language_code="eng")
    assert menu_for(telegram, MINA, MINA)[0]["command"] == "stats"
    assert menu_for(telegram, JOON, JOON)[0]["description"] == "시작"
    assert menu_for(telegram, FAMILY, MINA)[0]["description"] == "Begin"


async def test_second_poll_ends_the_first(address: Address, bot: Bot, telegram: FakeTelegram) -> None:
    with telegram.events.subscription() as events:
        first = asyncio.create_task(bot.get_updates(timeout=20))
        assert (await events.get())["type"] == "listening"
        async with Bot(address.token, f"{address.url}/bot") as second:
            await second.get_updates()
        with pytest.raises(Conflict):
            await first
