from itertools import islice

import pytest

from bot.portraits.backoff import backoff, retry


class Flaky:
    """Raises these errors one after another, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_the_last_pause_repeats() -> None:
    assert list(islice(backoff((1.0, 2.0)), 4)) == [1.0, 2.0, 2.0, 2.0]


async def test_what_fails_is_tried_again_after_every_pause() -> None:
    paused: list[tuple[str, float]] = []
    attempt = Flaky(OSError("a"), OSError("b"))
    done = await retry(
        attempt, (0.0, 0.01), OSError, on_pause=lambda error, pause_s: paused.append((str(error), pause_s))
    )
    assert done == "done"
    assert paused == [("a", 0.0), ("b", 0.01)]


async def test_after_the_last_pause_it_fails() -> None:
    with pytest.raises(OSError, match="b"):
        await retry(Flaky(OSError("a"), OSError("b")), (0.0,), OSError)


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError()], ids=lambda error: type(error).__name__)
async def test_other_errors_are_raised_at_once(error: Exception) -> None:
    attempt = Flaky(error)
    with pytest.raises(type(error)):
        await retry(attempt, (60.0,), OSError, give_up_on=(FileNotFoundError,))
    assert not attempt.errors
