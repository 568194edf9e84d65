"""Stickers, sticker sets and video notes, judged by python-telegram-bot, with Telegram's limits and refusals."""

import io
from pathlib import Path

import pytest
from PIL import Image
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaAnimation, InputMediaPhoto, InputSticker
from telegram.error import BadRequest

from bot.playground.fake_telegram import FakeTelegram
from bot.playground.users import Users
from tests.bot.playground.conftest import FAMILY, JOON, MINA
from tests.bot.playground.pictures import jpeg, png, webp
from tests.bot.playground.test_mp4 import film

NAME = "mochi_by_throwback_bot"
PLAYABLE = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart")


def sticker(body: bytes | str, *emoji: str) -> InputSticker:
    return InputSticker(body, emoji or ("🐶",), "static")


async def test_sticker_is_sent_and_sent_again(bot: Bot, users: Users) -> None:
    await users.write(MINA, MINA, "hello")
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Add to my pack", callback_data="pack")]])
    first = await bot.send_sticker(MINA, webp(), emoji="🐶", reply_markup=keyboard)
    assert first.sticker and (first.sticker.width, first.sticker.height, first.sticker.emoji) == (512, 400, "🐶")
    assert first.sticker.set_name is None and first.reply_markup == keyboard
    again = await bot.send_sticker(MINA, first.sticker.file_id)
    assert again.sticker == first.sticker
    without = await bot.edit_message_reply_markup(MINA, first.message_id)
    assert not isinstance(without, bool) and without.reply_markup is None
    with pytest.raises(BadRequest, match="no caption"):
        await bot.edit_message_caption(MINA, first.message_id, caption="Mochi")
    with pytest.raises(BadRequest, match="no media"):
        await bot.edit_message_media(InputMediaPhoto(jpeg()), MINA, first.message_id)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(jpeg(), "static webp"), (webp(500, 300), "dimensions"), (b"x" * (512 * 1024 + 1), "too_big"), (b"x", "invalid")],
)
async def test_what_is_no_sticker_is_refused(bot: Bot, users: Users, body: bytes, reason: str) -> None:
    await users.write(MINA, MINA, "hello")
    with pytest.raises(BadRequest, match=reason):
        await bot.send_sticker(MINA, io.BytesIO(body))


async def test_sticker_set_is_made_filled_and_deleted(bot: Bot, telegram: FakeTelegram, users: Users) -> None:
    await users.write(MINA, MINA, "hello")
    sent = await bot.send_sticker(MINA, webp())
    assert sent.sticker
    assert await bot.create_new_sticker_set(MINA, NAME, "Mochi's pack", [sticker(sent.sticker.file_id)])
    assert await bot.add_sticker_to_set(MINA, NAME.upper(), sticker(png(), "😍", "🐾"))
    made = await bot.get_sticker_set(NAME)
    assert (made.title, made.sticker_type, len(made.stickers)) == ("Mochi's pack", "regular", 2)
    assert [(one.emoji, one.set_name, one.height) for one in made.stickers] == [("🐶", NAME, 400), ("😍", NAME, 512)]
    file = await made.stickers[1].get_file()
    with Image.open(io.BytesIO(await file.download_as_bytearray())) as picture:
        assert picture.format == "WEBP" and picture.mode == "RGBA"
    again = await bot.send_sticker(MINA, made.stickers[0].file_id)
    assert again.sticker and again.sticker.set_name == NAME
    assert await bot.delete_sticker_from_set(made.stickers[0].file_id)
    with pytest.raises(BadRequest, match="Sticker_invalid"):
        await bot.delete_sticker_from_set(made.stickers[0].file_id)
    assert [one.emoji for one in (await bot.get_sticker_set(NAME)).stickers] == ["😍"]
    assert await bot.delete_sticker_set(NAME)
    for gone in (bot.get_sticker_set(NAME), bot.delete_sticker_set(NAME)):
        with pytest.raises(BadRequest, match="Stickerset_invalid"):
            await gone


async def test_sticker_sets_are_kept_over_a_restart(bot: Bot, telegram: FakeTelegram, users: Users) -> None:
    await users.write(MINA, MINA, "hello")
    await bot.create_new_sticker_set(MINA, NAME, "Mochi", [sticker(webp())])
    telegram.store.close()
    reopened = FakeTelegram(telegram.home)
    assert reopened.sticker_sets.find(NAME).owner_id == MINA
    assert reopened.files.find(reopened.sticker_sets.find(NAME).stickers[0]).described["emoji"] == "🐶"


async def test_sticker_sets_have_limits(bot: Bot, users: Users, telegram: FakeTelegram) -> None:
    with pytest.raises(BadRequest, match="Peer_id_invalid"):
        await bot.create_new_sticker_set(MINA, NAME, "Mochi", [sticker(webp())])
    await users.write(MINA, MINA, "hello")
    await users.write(JOON, JOON, "hello")
    for name in (
        "mochi",
        "mochi__x_by_throwback_bot",
        "_mochi_by_throwback_bot",
        "모치_by_throwback_bot",
        "m" * 60 + NAME,
    ):
        with pytest.raises(BadRequest, match="sticker set name"):
            await bot.create_new_sticker_set(MINA, name, "Mochi", [sticker(webp())])
    for title in (" ", "x" * 65):
        with pytest.raises(BadRequest, match="title"):
            await bot.create_new_sticker_set(MINA, NAME, title, [sticker(webp())])
    for stickers in ([], [sticker(webp())] * 51):
        with pytest.raises(BadRequest, match="number of initial stickers"):
            await bot.create_new_sticker_set(MINA, NAME, "Mochi", stickers)
    for emoji in ((), ("dog",), ("🐶",) * 21):
        with pytest.raises(BadRequest, match="emoji"):
            wrong = InputSticker(webp(), emoji, "static")
            await bot.create_new_sticker_set(MINA, NAME, "Mochi", [wrong])
    with pytest.raises(BadRequest, match="Sticker_png_dimensions"):
        await bot.create_new_sticker_set(MINA, NAME, "Mochi", [sticker(png(300, 300))])
    with pytest.raises(BadRequest, match="Stickerset_invalid"):  # no refused one has left anything
        await bot.get_sticker_set(NAME)
    await bot.create_new_sticker_set(MINA, NAME, "Mochi", [sticker(webp())])
    with pytest.raises(BadRequest, match="already occupied"):
        await bot.create_new_sticker_set(JOON, NAME, "Mochi", [sticker(webp())])
    with pytest.raises(BadRequest, match="Stickerset_invalid"):
        await bot.add_sticker_to_set(JOON, NAME, sticker(webp()))
    telegram.sticker_sets.find(NAME).stickers *= 120
    with pytest.raises(BadRequest, match="Stickers_too_much"):
        await bot.add_sticker_to_set(MINA, NAME, sticker(webp()))


async def test_video_note_is_square_and_short(bot: Bot, users: Users, tmp_path: Path) -> None:
    await users.write(MINA, MINA, "hello")
    square = film(tmp_path / "square.mp4", "-vf", "scale=64:64,setsar=1", *PLAYABLE)
    note = await bot.send_video_note(MINA, square, thumbnail=jpeg(64, 64))
    assert note.video_note and note.video_note.length == 64
    assert note.video_note.thumbnail is not None
    assert (await bot.send_video_note(MINA, note.video_note.file_id)).video_note == note.video_note
    for name, options in {"wide": (), "long": ("-vf", "setpts=150*PTS,scale=64:64,setsar=1", "-r", "1")}.items():
        with pytest.raises(BadRequest, match="round"):
            await bot.send_video_note(MINA, film(tmp_path / f"{name}.mp4", *options, *PLAYABLE))
    with pytest.raises(BadRequest, match="no media"):
        await bot.edit_message_media(InputMediaPhoto(jpeg()), MINA, note.message_id)


async def test_one_message_becomes_every_kind_of_media(bot: Bot, users: Users, tmp_path: Path) -> None:
    await users.write(MINA, MINA, "hello")
    shown = await bot.send_photo(MINA, jpeg(), caption="Mochi")
    loop = InputMediaAnimation(film(tmp_path / "loop.mp4", *PLAYABLE), caption="There and back")
    edited = await bot.edit_message_media(loop, MINA, shown.message_id)
    assert not isinstance(edited, bool)
    assert edited.animation and not edited.photo and edited.caption == "There and back"
    back = await bot.edit_message_media(InputMediaPhoto(shown.photo[-1].file_id), MINA, shown.message_id)
    assert not isinstance(back, bool)
    assert back.photo == shown.photo and not back.animation and not back.document and back.caption is None


async def test_group_without_media_takes_no_stickers(bot: Bot, users: Users) -> None:
    await users.allow_media(MINA, FAMILY, allowed=False)
    with pytest.raises(BadRequest, match="rights to send stickers"):
        await bot.send_sticker(FAMILY, webp())
