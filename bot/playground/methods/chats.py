"""Methods that ask about chats and their members."""

from bot.playground.errors import Json
from bot.playground.fake_telegram import BOT_ID, FakeTelegram
from bot.playground.request_parameters import Parameters
from bot.playground.world import Chat

_ADMIN_RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
    "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip


async def get_chat(telegram: FakeTelegram, p: Parameters) -> Json:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return telegram.world.describe(chat) | {
        "accent_color_id": chat.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


async def get_chat_member(telegram: FakeTelegram, p: Parameters) -> Json:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    user_id = p.required_integer("user_id")
    if user_id == BOT_ID:
        return member(telegram, chat, user_id, chat.bot_status)
    telegram.world.user(user_id)
    return member(telegram, chat, user_id, chat.members.get(user_id, "left"))


def member(telegram: FakeTelegram, chat: Chat, user_id: int, status: str) -> Json:
    """Return a ChatMember with every field that its status requires."""
    user = telegram.bot if user_id == BOT_ID else telegram.world.user(user_id).as_user()
    described: Json = {"status": status, "user": user}
    match status:
        case "creator":
            described["is_anonymous"] = False
        case "administrator":
            described |= dict.fromkeys(_ADMIN_RIGHTS, True) | {"can_be_edited": False, "is_anonymous": False}
        case "kicked":
            described["until_date"] = 0
    return described
