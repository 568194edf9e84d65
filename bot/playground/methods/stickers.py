"""Methods about sticker sets; stickers are sent by `sending.send_sticker`."""

import asyncio

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.sticker_files import png_as_webp, sticker_sides
from bot.playground.sticker_sets import FIRST_STICKERS
from bot.playground.world import Chat

_EMOJI_COUNTS = range(1, 21)  # for one sticker; the Bot API's limits
_EMOJI_CODE_POINTS_MAX = 12  # of the longest emoji, a family; more is a text


async def create_new_sticker_set(telegram: FakeTelegram, p: Parameters) -> bool:
    owner = _owner(telegram, p)
    name, title = p.text("name"), p.text("title")
    if p.text("sticker_type", "regular") != "regular":
        raise bad_request("the playground keeps regular sticker sets only")
    wanted = p.sequence("stickers") or []
    if len(wanted) not in FIRST_STICKERS:
        raise bad_request("invalid number of initial stickers specified")
    telegram.sticker_sets.check_new(name, title)
    checked = [await _checked(telegram, p, sticker) for sticker in wanted]
    telegram.sticker_sets.check_new(name, title)  # another request may have taken the name meanwhile
    stickers = [telegram.files.add_sticker(body, emoji, name).file_id for body, emoji in checked]
    telegram.sticker_sets.add(name, title, owner.id, stickers)
    return True


async def add_sticker_to_set(telegram: FakeTelegram, p: Parameters) -> bool:
    owner = _owner(telegram, p)
    telegram.sticker_sets.owned(p.text("name"), owner.id)
    wanted = p.mapping("sticker")
    if wanted is None:
        raise bad_request("sticker is empty")
    body, emoji = await _checked(telegram, p, wanted)
    found = telegram.sticker_sets.owned(p.text("name"), owner.id)
    telegram.sticker_sets.append(found, telegram.files.add_sticker(body, emoji, found.name).file_id)
    return True


async def delete_sticker_from_set(telegram: FakeTelegram, p: Parameters) -> bool:
    telegram.sticker_sets.remove_sticker(telegram.files.of_kind(p.text("sticker"), "sticker").file_id)
    return True


async def delete_sticker_set(telegram: FakeTelegram, p: Parameters) -> bool:
    telegram.sticker_sets.remove(p.text("name"))
    return True


async def get_sticker_set(telegram: FakeTelegram, p: Parameters) -> Json:
    return sticker_set(telegram, p.text("name"))


def sticker_set(telegram: FakeTelegram, name: str) -> Json:
    """Return a set with its stickers; raises 400 where there is none with this name."""
    found = telegram.sticker_sets.find(name)
    return telegram.sticker_sets.show(found, [telegram.files.find(sticker).described for sticker in found.stickers])


def _owner(telegram: FakeTelegram, p: Parameters) -> Chat:
    """Return the private chat of a set's owner; raises 400 for somebody who has never written to the bot."""
    user_id = p.required_integer("user_id")
    telegram.world.user(user_id)
    chat = telegram.world.chat(user_id)
    if not chat.started:
        raise bad_request("PEER_ID_INVALID")
    return chat


async def _checked(telegram: FakeTelegram, p: Parameters, wanted: Json) -> tuple[bytes, str]:
    """Return the WEBP file and the first emoji of an InputSticker; raises 400 where Telegram refuses one."""
    if wanted.get("format") != "static":
        raise bad_request("the playground keeps static stickers only")
    emoji = wanted.get("emoji_list") or []
    if len(emoji) not in _EMOJI_COUNTS or not all(map(_is_emoji, emoji)):
        raise bad_request("can't parse InputSticker: expected a non-empty list of emoji")
    file = p.resolve(str(wanted.get("sticker") or ""))
    if isinstance(file, Upload):
        body = await asyncio.to_thread(png_as_webp, file.body)
    else:
        body = telegram.files.location(telegram.files.of_kind(file, "sticker")).read_bytes()
    await asyncio.to_thread(sticker_sides, body)
    return body, str(emoji[0])


def _is_emoji(text: object) -> bool:
    """Return whether this may be one emoji: short, and no plain letter."""
    return isinstance(text, str) and 0 < len(text) <= _EMOJI_CODE_POINTS_MAX and not text.isascii()
