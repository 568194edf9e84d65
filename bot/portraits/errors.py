"""What a messenger may raise when it cannot do what the product asks."""


class MessengerUnavailable(Exception):
    """The messenger cannot be reached, or asks for patience: try later."""


class DeliveryUncertain(MessengerUnavailable):
    """The request was sent completely, and no answer came: the message may have arrived."""


class ChatGone(Exception):
    """Nothing can be sent to this chat: the person stopped the bot, the group removed it."""


class ChatClosed(ChatGone):
    """The chat is there, but takes no messages of ours: no right to write, a closed topic."""


class ChatMoved(Exception):
    """The group became a supergroup; `new_id` is its id from now on."""

    def __init__(self, new_id: int) -> None:
        super().__init__("the group became a supergroup")
        self.new_id = new_id


class MediaRefused(Exception):
    """The chat accepts our words, but not our pictures or films."""


class MediaUnusable(Exception):
    """The messenger can do nothing with this picture or film."""


class FileGone(Exception):
    """The messenger does not hand out this file (any more)."""


class PackRefused(Exception):
    """The messenger makes no sticker set for this owner."""


class PackFull(Exception):
    """The sticker set takes no more stickers."""


class TooLarge(Exception):
    """The messenger moves no files of this size, up or down."""
