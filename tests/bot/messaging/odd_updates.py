"""Updates as Bot API servers of versions 6 to 9 send them, and strategies that spoil them."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.bot.answering import Json

SECRET = "Schnurrdiburr"  # in every name and text; no log may have it

_FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 9}
_PICTURE = _FILE | {"width": 90, "height": 90}
_POLL_OF_9 = {"allows_revoting": True, "members_only": False}
_DATE = 1_700_000_000


def user(id_: int) -> Json:
    return {"id": id_, "is_bot": False, "first_name": SECRET, "language_code": "en"}


def private(id_: int) -> Json:
    return {"id": id_, "type": "private", "first_name": SECRET}


def message(sender: int, chat: Json, **content: Any) -> Json:
    return {"message_id": 5_000_000, "date": _DATE, "chat": chat, "from": user(sender)} | content


def inaccessible(chat: Json) -> Json:
    return {"message_id": 3, "date": 0, "chat": chat}


def _contents(sender: int, chat: Json) -> Iterator[Json]:
    """Yield what messages may have in them."""
    hidden, other = inaccessible(chat), message(sender, chat, text=SECRET, message_id=4)
    option = {"text": SECRET, "voter_count": 0, "persistent_id": "0"}
    poll = {"id": "1", "question": SECRET, "options": [option], "total_voter_count": 0, "is_closed": False}
    poll |= {"is_anonymous": True, "type": "regular", "allows_multiple_answers": False} | _POLL_OF_9
    sticker = _PICTURE | {"type": "regular", "is_animated": False, "is_video": False, "emoji": "🐶"}
    video = _PICTURE | {"duration": 1, "mime_type": "video/mp4"}
    command = {"type": "bot_command", "offset": 0, "length": 5}
    yield {"text": SECRET}
    yield {"text": "/help", "entities": [command]}
    yield {"text": "/young", "entities": [command | {"length": 6}], "reply_to_message": other}
    yield {"photo": [_PICTURE, _PICTURE], "caption": f"/young {SECRET}", "media_group_id": "7"}
    yield {"document": _FILE | {"file_name": f"{SECRET}.jpg", "mime_type": "image/jpeg"}}
    yield {"sticker": sticker}
    yield {"poll": poll}
    yield {"animation": video, "document": _FILE | {"mime_type": "video/mp4"}}
    yield {"video": video, "caption": SECRET}
    yield {"video_note": _FILE | {"length": 9, "duration": 1}}
    yield {"voice": _FILE | {"duration": 1}}
    yield {"contact": {"phone_number": "1", "first_name": SECRET}}
    yield {"venue": {"location": {"latitude": 1, "longitude": 1}, "title": SECRET, "address": SECRET}}
    yield {"dice": {"emoji": "🎲", "value": 3}}
    yield {"pinned_message": hidden}
    yield {"pinned_message": other}
    yield {"text": SECRET, "reply_to_message": message(sender, chat, pinned_message=hidden)}
    yield {"text": SECRET, "reply_to_message": hidden}
    yield {"text": "/young", "external_reply": {"origin": _origin(sender), "photo": [_PICTURE]}}
    yield {"text": SECRET, "quote": {"text": SECRET, "position": 0}, "reply_to_story": {"id": 1, "chat": chat}}
    yield {"poll_option_added": {"option_text": SECRET, "option_persistent_id": "0", "poll_message": hidden}}
    yield {"new_chat_members": [user(sender)]}
    yield {"left_chat_member": user(sender)}
    yield {"users_shared": {"request_id": 1, "users": [{"user_id": 1}]}}
    yield {"giveaway": {"chats": [chat], "winners_selection_date": _DATE, "winner_count": 1}}
    yield {"giveaway_completed": {"winner_count": 1, "giveaway_message": hidden}}
    yield {"checklist": {"title": SECRET, "tasks": [{"id": 1, "text": SECRET}]}}
    yield {"checklist_tasks_done": {"checklist_message": hidden, "marked_as_done_task_ids": [1]}}
    yield {"suggested_post_declined": {"suggested_post_message": hidden, "comment": SECRET}}
    yield {"paid_media": {"star_count": 1, "paid_media": [{"type": "photo", "photo": [_PICTURE]}]}}
    yield {"forward_origin": _origin(sender), "text": SECRET}
    yield {"forum_topic_created": {"name": SECRET, "icon_color": 1}}
    yield {"write_access_allowed": {}}
    yield {"migrate_to_chat_id": -100_999_999}


def _origin(sender: int) -> Json:
    return {"type": "user", "date": _DATE, "sender_user": user(sender)}


def every_shape(sender: int, group: int) -> list[Json]:
    """Return one update of every kind and content that there is, without ids."""
    found: list[Json] = []
    for chat in (private(sender), {"id": group, "type": "supergroup", "title": SECRET}):
        query = {"id": "1", "from": user(sender), "chat_instance": "1", "data": "page:0:0.0"}
        member: Json = {"status": "member", "user": user(sender)}
        change: Json = {"chat": chat, "from": user(sender), "date": _DATE, "old_chat_member": member}
        for content in _contents(sender, chat):
            found.append({"message": message(sender, chat, **content)})
        found += [
            {"edited_message": message(sender, chat, text=SECRET, edit_date=_DATE)},
            {"edited_message": message(sender, chat, photo=[_PICTURE], edit_date=_DATE)},
            {"callback_query": query | {"message": inaccessible(chat)}},
            {"callback_query": query | {"message": message(sender, chat, reply_to_message=inaccessible(chat))}},
            {"callback_query": query | {"inline_message_id": "1"}},
            {"my_chat_member": change | {"new_chat_member": member}},
            {"channel_post": message(sender, chat, text=SECRET)},
            {
                "message_reaction": {
                    "chat": chat,
                    "message_id": 1,
                    "date": _DATE,
                    "old_reaction": [],
                    "new_reaction": [],
                }
            },
        ]
    found += [
        {"inline_query": {"id": "1", "from": user(sender), "query": SECRET, "offset": ""}},
        {
            "business_connection": {
                "id": "1",
                "user": user(sender),
                "user_chat_id": sender,
                "date": 0,
                "is_enabled": True,
            }
        },
        {"purchased_paid_media": {"from": user(sender), "paid_media_payload": SECRET}},
        {"a_kind_of_tomorrow": {"text": SECRET}},
        {},
    ]
    return found


def _places(part: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every value in an update."""
    items: Any = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


_ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from([
    None, 0, 1, -1, True, 2**31, 2**63, 2**80, 1.5, "", SECRET, [], [None], [[]], {}, {"id": None},
    {"message_id": 3, "date": 0, "chat": {"id": 1, "type": "private"}},
])  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, shapes: list[Json]) -> Json:
    """Strategy: an update in which up to three values are missing or replaced."""
    update = copy.deepcopy(draw(st.sampled_from(shapes)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(update))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        part: Any = update
        for key in way:
            part = part[key]
        if draw(st.booleans()):
            del part[last]
        else:
            part[last] = copy.deepcopy(draw(_ODD_VALUES))
    return update
