import pytest

from bot.portraits.engine_results import failure_of
from engine import EngineFault, PhotoError, PhotoReason
from storage import FailureReason


@pytest.mark.parametrize("reason", PhotoReason)
def test_every_reason_of_the_engine_is_kept(reason: PhotoReason) -> None:
    assert failure_of(PhotoError(reason)).reason == FailureReason(reason.value)


def test_of_a_defect_the_type_is_kept_and_not_the_words() -> None:
    assert str(failure_of(ZeroDivisionError("Mina's photo"))) == "ZeroDivisionError"
    assert str(failure_of(EngineFault("MemoryError"))) == "MemoryError"
