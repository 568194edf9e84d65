"""Methods that send something."""

import secrets

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods.content import (
    ALBUM_SIZES,
    caption_content,
    file_content,
    media_content,
    photo_content,
    send_as_bot,
    sticker_content,
    text_content,
    topic_of_request,
)
from bot.playground.request_parameters import Parameters
from bot.playground.world import Chat

_ALBUM_KINDS = ({"photo", "video"}, {"document"})  # what may be together in one album


def _chat(telegram: FakeTelegram, p: Parameters) -> Chat:
    return telegram.world.chat_for_bot(p.required_integer("chat_id"))


async def send_message(telegram: FakeTelegram, p: Parameters) -> Json:
    return send_as_bot(telegram, _chat(telegram, p), p, text_content(p.plain_text("text")))[0]


async def send_photo(telegram: FakeTelegram, p: Parameters) -> Json:
    caption = caption_content(p.plain_text("caption"))
    content = await photo_content(telegram, p.media("photo"))
    return send_as_bot(telegram, _chat(telegram, p), p, content | caption)[0]


async def send_file(telegram: FakeTelegram, p: Parameters, kind: str) -> Json:
    """Send a video, an animation or a document."""
    caption = caption_content(p.plain_text("caption"))
    content = await file_content(telegram, kind, p.media(kind), p.media("thumbnail"))
    return send_as_bot(telegram, _chat(telegram, p), p, content | caption)[0]


async def send_sticker(telegram: FakeTelegram, p: Parameters) -> Json:
    content = await sticker_content(telegram, p.media("sticker"), p.text("emoji"))
    return send_as_bot(telegram, _chat(telegram, p), p, content)[0]


async def send_video_note(telegram: FakeTelegram, p: Parameters) -> Json:
    content = await file_content(telegram, "video_note", p.media("video_note"), p.media("thumbnail"))
    return send_as_bot(telegram, _chat(telegram, p), p, content)[0]


async def send_media_group(telegram: FakeTelegram, p: Parameters) -> list[Json]:
    items = p.sequence("media") or []
    if len(items) not in ALBUM_SIZES:
        raise bad_request("wrong number of messages in the album: 2-10 are allowed")
    kinds = {item.get("type") for item in items}
    if not any(kinds <= together for together in _ALBUM_KINDS):
        raise bad_request("these media can't be grouped in one album")
    chat = _chat(telegram, p)
    for _ in items[1:]:  # the first is counted with the request
        telegram.rates.spend(chat.id, chat.group)
    contents = [await media_content(telegram, p, item) for item in items]
    album = {"media_group_id": str(secrets.randbits(54))}
    return send_as_bot(telegram, chat, p, *(content | album for content in contents))


async def send_chat_action(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = _chat(telegram, p)
    topic_of_request(chat, p, None)
    telegram.events.publish("action", chat_id=chat.id, action=p.text("action"))
    return True
