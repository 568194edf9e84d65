"""Which question comes next about a photo that was looked at."""

from bot.portraits.findings import Findings
from engine import PhotoError, PhotoReason
from storage import Portrait, State


def next_question(portrait: Portrait, findings: Findings, head_chosen: bool) -> State:
    """Return the state that asks what is not known yet.

    Raises `PhotoError` for a photo that will be refused, before anything is asked in vain.
    """
    if not findings.pet and not portrait.anyway:
        raise PhotoError(PhotoReason.NO_PET)
    if len(findings.heads) > 1 and not head_chosen:
        return State.AWAITING_HEAD
    look = findings.look_of(portrait.head or 0)
    if not portrait.anyway:
        if not look.usable:
            raise PhotoError(PhotoReason.NO_FACE)
        if look.issues and not portrait.go_on:
            return State.AWAITING_GO_ON
    return State.AWAITING_BREED if portrait.breed is None else State.AWAITING_BABY_PHOTO
