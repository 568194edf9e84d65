"""What a messenger may raise when it cannot do what the product asks.

MessengerUnavailable        try later: the messenger or the way to it is out of order
└── DeliveryUncertain       the message may have arrived: do not blindly send it again
ChatGone                    nothing can be sent there: the person stopped the bot, the group removed it
└── ChatClosed              the chat is there, but takes no messages of ours: no right to write, a closed topic
ChatMoved                   the chat has another id now
MediaRefused                the chat accepts words, but no pictures or films
MediaUnusable               the messenger can do nothing with this picture or film
FileGone                    the messenger does not hand out the file (any more)
PackRefused                 the messenger makes no sticker set for this owner
PackFull                    the sticker set takes no more
TooLarge                    the messenger moves no files of this size, up or down
"""


class MessengerUnavailable(Exception):
    """The messenger cannot be reached, or asks for patience."""


class DeliveryUncertain(MessengerUnavailable):
    """The request was sent completely, and no answer came."""


class ChatGone(Exception):
    """Nothing can be sent to this chat."""


class ChatClosed(ChatGone):
    """The chat is there, but takes no messages of ours."""


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
    """The messenger does not hand out this file."""


class PackRefused(Exception):
    """The messenger makes no sticker set for this owner."""


class PackFull(Exception):
    """The sticker set takes no more stickers."""


class TooLarge(Exception):
    """The messenger moves no files of this size."""
