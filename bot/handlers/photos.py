"""Photos: in private chats all of them, in groups those addressed to the bot."""

import re

from telegram import Document, ExternalReplyInfo, Message, PhotoSize, Update
from telegram.ext.filters import MessageFilter

from bot.context import Context, owner_of
from bot.messaging.telegram_messenger import MAX_DOWNLOAD_BYTES
from bot.portraits.captions import Caption, read_caption
from storage import Photo, Portrait, State

_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff")
_BABY_PHOTO_WINDOW_S = 6 * 3600.0  # s; a photo later than this begins a portrait instead of answering the question


def attached(message: Message | ExternalReplyInfo) -> PhotoSize | Document | None:
    """Return a message's picture, a photo in its largest size or a file; None when it has none.

    Phones send HEIC as a file of no declared type, so the name decides then; the bytes are checked later.
    """
    if message.photo:
        return message.photo[-1]
    document = message.document
    if document is None or message.animation:
        return None
    kind, name = document.mime_type or "", (document.file_name or "").lower()
    if kind.startswith("image/") or name.endswith(_PICTURE_SUFFIXES):
        return document
    return document if kind in ("", "application/octet-stream") and "." not in name else None


class CalledByCaption(MessageFilter):
    """Selects captions that begin with /young, or /young@ and our name; `CommandHandler` does not read captions."""

    _CALL = re.compile(r"/young(?:@(\w+))?(?:\s|$)", re.IGNORECASE)

    def filter(self, message: Message) -> bool:
        called = self._CALL.match(message.caption or "")
        return called is not None and (called[1] or "").lower() in ("", message.get_bot().username.lower())


async def private_photo(update: Update, context: Context) -> None:
    """Take a photo in a private chat: the baby photo if we asked for one, else the beginning of a portrait."""
    message = update.effective_message
    if message is None:
        return
    file = attached(message)
    if file is None:
        if context.services.first_of_album(message.media_group_id):
            await context.reply(update, context.words("hint.not_a_photo"))
        return
    if not await _too_large(update, context, file):
        if asking := await _asking_for_baby(update, context, message):
            await _add_baby_photo(context, asking, message, file)
        elif not await _takes_place_of_weak_one(update, context, message, file):
            await begin(update, context, message, file, message.caption or "")
    await context.services.naming.withdraw_question(owner_of(update) or 0, message.chat_id)


async def _asking_for_baby(update: Update, context: Context, message: Message) -> Portrait | None:
    """Return the portrait whose baby photo this is, or was already; the photos of one album belong together."""
    owner, states = owner_of(update) or 0, (State.AWAITING_BABY_PHOTO,)
    answered = await context.storage.lookup.of_baby_photo(
        owner, message.chat_id, message.message_id, message.media_group_id
    )
    if answered:
        return answered
    if message.reply_to_message:
        about = await context.storage.lookup.by_any_message(message.chat_id, message.reply_to_message.message_id)
        if about and about.owner == owner and about.state in states:
            return about
    if message.chat_id < 0 or read_caption(message.caption or "", context.words.language).breed:
        return None  # in groups only replies are answers; a breed begins something new
    latest = await context.storage.lookup.latest(owner, message.chat_id, states)
    if latest is None or (message.media_group_id and message.media_group_id == latest.album):
        return None
    return latest if context.storage.now() - latest.changed_at < _BABY_PHOTO_WINDOW_S else None


async def _takes_place_of_weak_one(
    update: Update, context: Context, message: Message, file: PhotoSize | Document
) -> bool:
    """Take the photo in the place of one that we called weak; False when there is none."""
    weak = await context.storage.lookup.latest(owner_of(update) or 0, message.chat_id, (State.AWAITING_GO_ON,))
    if weak is None or message.media_group_id or weak.message == message.message_id:
        return False
    if context.storage.now() - weak.changed_at > _BABY_PHOTO_WINDOW_S:
        return False
    said = read_caption(message.caption or "", context.words.language)
    if said.breed is None:
        said = Caption(weak.breed, weak.name)
    if not await context.services.portraits.replace_photo(
        weak.id, file.file_id, file.file_unique_id, said, message.message_id
    ):
        return False
    await context.messenger.delete_status(weak)
    return True


async def _add_baby_photo(context: Context, asking: Portrait, message: Message, file: PhotoSize | Document) -> None:
    """Take the baby photo; the question, which stands above it, goes."""
    if await context.services.answers.add_baby_photo(
        asking.id, file.file_id, message.message_id, message.media_group_id
    ):
        await context.messenger.delete_status(asking)


async def group_photo(update: Update, context: Context) -> None:
    """Take a photo in a group that replies to our question; ignore all others."""
    message = update.effective_message
    if message is None or (file := attached(message)) is None:
        return
    if (asking := await _asking_for_baby(update, context, message)) and not await _too_large(update, context, file):
        await _add_baby_photo(context, asking, message, file)
        await context.services.naming.withdraw_question(asking.owner, asking.chat)


async def young(update: Update, context: Context) -> None:
    """Handle /young, as a photo's caption or as a reply to a photo."""
    message = update.effective_message
    if message is None:
        return
    text = message.caption or message.text or ""
    # Of a message in another chat, Telegram shows what it had.
    sources = [one for one in (message, message.reply_to_message, message.external_reply) if one]
    file = next((found for one in sources if (found := attached(one))), None)
    if file is None:
        clip = any(one.animation or one.video or one.video_note for one in sources)
        await context.reply(update, context.words("hint.video" if clip else "hint.young_reply"))
        return
    if not await _too_large(update, context, file):
        await begin(update, context, message, file, text)
    await context.services.naming.withdraw_question(owner_of(update) or 0, message.chat_id)


async def begin(update: Update, context: Context, message: Message, file: PhotoSize | Document, caption: str) -> None:
    """Begin a portrait, unless today's allowance is used up."""
    owner = owner_of(update)
    if owner is None:
        return
    if over := await context.services.portraits.over_limit(owner, message.chat_id):
        if context.services.first_of_album(message.media_group_id):
            await context.reply(update, context.words(f"limit.{over[0]}", count=over[1]))
        return
    said = read_caption(caption, context.words.language)
    photo = Photo(
        owner=owner,
        chat=message.chat_id,
        message=message.message_id,
        file_id=file.file_id,
        file_unique_id=file.file_unique_id,
        language=context.words.language,
        topic=message.message_thread_id if message.is_topic_message else None,
        album=message.media_group_id,
        breed=said.breed,
        name=said.name,
    )
    await context.services.portraits.receive(photo)


async def edited(update: Update, context: Context) -> None:
    """Take another photo in the place of the first, or the breed and the name from a caption that was added later."""
    message = update.edited_message
    if message is None:
        return
    portrait = await context.storage.lookup.by_photo_message(message.chat_id, message.message_id)
    if portrait is None or portrait.owner != owner_of(update):
        return
    said, file = read_caption(message.caption or "", context.words.language), attached(message)
    other_taken = portrait.album_message not in (None, message.message_id)  # of its album another photo was taken
    if file and not other_taken and portrait.file_unique_id not in ("", file.file_unique_id):
        if not await _too_large(update, context, file):
            await context.services.portraits.replace_photo(portrait.id, file.file_id, file.file_unique_id, said)
    elif said.breed:
        await context.services.answers.take_breed(portrait.id, said.breed, said.name)


async def _too_large(update: Update, context: Context, file: PhotoSize | Document) -> bool:
    """Return whether the file is too large, and say so, before anything is downloaded."""
    if (file.file_size or 0) <= MAX_DOWNLOAD_BYTES:
        return False
    message = update.effective_message
    if context.services.first_of_album(message.media_group_id if message else None):
        await context.reply(update, context.words("reason.too_large"))
    return True
