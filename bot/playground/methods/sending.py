"""Methods that send something."""

import secrets

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods.content import (
    ALBUM,
    file_content,
    media_content,
    own_caption,
    photo_content,
    post,
    text_content,
    thread_content,
)
from bot.playground.request_parameters import Parameters
from bot.playground.world import Chat

_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
_ALBUM_KINDS = ({"photo", "video"}, {"document"})
_CARRIED = (
    "text", "entities", "photo", "video", "animation", "document", "caption", "caption_entities",
    "show_caption_above_media",
)  # fmt: skip


def _chat(telegram: FakeTelegram, p: Parameters) -> Chat:
    return telegram.world.chat_for_bot(p.required_integer("chat_id"))


async def send_message(telegram: FakeTelegram, p: Parameters) -> Json:
    return post(telegram, _chat(telegram, p), p, text_content(p))[0]


async def send_photo(telegram: FakeTelegram, p: Parameters) -> Json:
    caption = own_caption(p)
    content = await photo_content(telegram, p.media("photo"))
    return post(telegram, _chat(telegram, p), p, content | caption)[0]


async def send_video(telegram: FakeTelegram, p: Parameters) -> Json:
    return await _send_file(telegram, p, "video")


async def send_animation(telegram: FakeTelegram, p: Parameters) -> Json:
    return await _send_file(telegram, p, "animation")


async def send_document(telegram: FakeTelegram, p: Parameters) -> Json:
    return await _send_file(telegram, p, "document")


async def _send_file(telegram: FakeTelegram, p: Parameters, kind: str) -> Json:
    caption = own_caption(p)
    content = await file_content(telegram, kind, p.media(kind), p.media("thumbnail"))
    return post(telegram, _chat(telegram, p), p, content | caption)[0]


async def send_media_group(telegram: FakeTelegram, p: Parameters) -> list[Json]:
    items = p.sequence("media") or []
    if len(items) not in ALBUM:
        raise bad_request("wrong number of messages in the album: 2-10 are allowed")
    kinds = {item.get("type") for item in items}
    if not any(kinds <= together for together in _ALBUM_KINDS):
        raise bad_request("these media can't be grouped in one album")
    chat = _chat(telegram, p)
    for _ in items[1:]:  # the first is counted with the request
        telegram.rates.spend(chat.id, chat.group)
    contents = [await media_content(telegram, p, item) for item in items]
    album = {"media_group_id": str(secrets.randbits(54))}
    return post(telegram, chat, p, *(content | album for content in contents))


async def send_chat_action(telegram: FakeTelegram, p: Parameters) -> bool:
    action = p.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = _chat(telegram, p)
    thread_content(chat, p, None)
    telegram.events.publish("action", chat_id=chat.id, action=action, thread_id=p.integer("message_thread_id"))
    return True


async def copy_message(telegram: FakeTelegram, p: Parameters) -> Json:
    source = telegram.world.chat_for_bot(p.required_integer("from_chat_id"))
    original = telegram.world.message(source, p.required_integer("message_id"), "message to copy not found")
    content = {name: value for name, value in original.content.items() if name in _CARRIED}
    if "caption" in p.values:
        content = {name: value for name, value in content.items() if not name.startswith("caption")} | own_caption(p)
    return {"message_id": post(telegram, _chat(telegram, p), p, content)[0]["message_id"]}


async def forward_message(telegram: FakeTelegram, p: Parameters) -> Json:
    source = telegram.world.chat_for_bot(p.required_integer("from_chat_id"))
    original = telegram.world.message(source, p.required_integer("message_id"), "message to forward not found")
    content = {name: value for name, value in original.content.items() if name in _CARRIED}
    content["forward_origin"] = {
        "type": "user",
        "date": original.content["date"],
        "sender_user": original.content["from"],
    }
    return post(telegram, _chat(telegram, p), p, content)[0]
