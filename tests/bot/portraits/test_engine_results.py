from pathlib import Path

import pytest

from bot.portraits.engine_results import all_text, card_text, export_text, failure_of
from engine import EngineFault, NamedAge, PhotoError, PhotoReason
from storage import FailureReason, Photo, Portrait, Storage


@pytest.mark.parametrize("reason", PhotoReason)
def test_every_reason_of_the_engine_is_kept(reason: PhotoReason) -> None:
    assert failure_of(PhotoError(reason)).reason == FailureReason(reason.value)


def test_of_a_defect_the_type_is_kept_and_not_the_words() -> None:
    assert str(failure_of(ZeroDivisionError("Mina's photo"))) == "ZeroDivisionError"
    assert str(failure_of(EngineFault("MemoryError"))) == "MemoryError"


async def portrait(storage: Storage, message: int = 1, **said: str) -> Portrait:
    photo = Photo(owner=1, chat=1, message=message, file_id="x", language="en", **said)  # type: ignore[arg-type]
    return (await storage.portraits.receive(photo, storage.now()))[0]


async def test_the_card_names_the_younger_picture_first(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        momo = await portrait(storage, name="Momo", breed="samoyed")
        younger, grown = card_text(momo, 1.0), card_text(momo, -1.0)
    assert (younger.then, younger.now) == ("Then", "Now")
    assert (grown.then, grown.now) == ("Now", "Later")  # of a puppy, today is the younger one


async def test_what_is_made_of_a_portrait_says_its_name_breed_and_ages(tmp_path: Path) -> None:
    async with Storage(tmp_path) as storage:
        momo, other = await portrait(storage, name="Momo", breed="samoyed"), await portrait(storage, 2, breed="tabby")
    text = export_text(momo, 1.0)
    assert (text.title, text.subtitle) == ("Momo", "Samoyed")
    assert list(text.ages.values()) == ["8 weeks", "4 months", "1 year", "today", "old"]
    assert set(text.ages) == set(NamedAge)
    assert export_text(other, 1.0).subtitle == ""
    assert all_text([momo, other], 1.0).title == "Momo & Tabby cat"
