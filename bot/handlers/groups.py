"""The bot is added to groups or removed from them; groups become supergroups; people stop the bot."""

from telegram import Chat, ChatMember, ChatMemberRestricted, Update

from bot.context import Context

_MEMBER_STATUSES = (ChatMember.MEMBER, ChatMember.ADMINISTRATOR, ChatMember.OWNER)


async def my_membership(update: Update, context: Context) -> None:
    """Note that the bot was added to a chat or removed. In channels it hears nothing, and says nothing."""
    change = update.my_chat_member
    if change is None or change.chat.type == Chat.CHANNEL:
        return
    was_in, is_in = _is_in(change.old_chat_member), _is_in(change.new_chat_member)
    if change.chat.type == "private":
        if not is_in:
            await context.services.accounts.mark_unreachable(change.chat.id)
    elif is_in:
        await context.services.accounts.join_group(change.chat.id)
        if not was_in:
            text = context.words("group.added", bot=context.services.username)
            await context.bot.send_message(change.chat.id, text)
    else:
        await context.services.accounts.leave_group(change.chat.id)


def _is_in(member: ChatMember) -> bool:
    """Return whether somebody is in the chat; restrictions outlast leaving it."""
    return member.status in _MEMBER_STATUSES or (isinstance(member, ChatMemberRestricted) and member.is_member)


async def in_private(update: Update, context: Context) -> None:
    """Point to the private chat: what was asked in the group is nobody else's business."""
    await context.reply(update, context.words("hint.in_private", bot=context.services.username))


async def migrated(update: Update, context: Context) -> None:
    """Move the rows of a group that became a supergroup. Both chats tell of it; the second time changes nothing."""
    message = update.effective_message
    if message is None:
        return
    if message.migrate_to_chat_id:
        await context.services.worker.move_group(message.chat_id, message.migrate_to_chat_id)
    elif message.migrate_from_chat_id:
        await context.services.worker.move_group(message.migrate_from_chat_id, message.chat_id)
