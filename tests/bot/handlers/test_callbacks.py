"""Buttons that are pressed twice: by a shaking finger, or because Telegram hands the press out again."""

import pytest

from tests.bot.harness import Harness, Json, User, callback


async def press_twice(harness: Harness, user: User, message: Json, label: str) -> None:
    """Both presses are answered, and neither brings an apology."""
    for _ in range(2):
        assert (await user.press(message, label))["answered"]
    await user.write("/privacy")  # answered in order: after all that came of the presses
    await user.sees("What I keep")
    assert not [said for said in harness.said_in(user.id) if "went wrong" in said.get("text", "")]


@pytest.mark.parametrize(
    ("command", "question", "label"),
    [
        ("/forgetme", "Shall I delete everything", "Yes, delete everything"),
        ("/forgetme", "Shall I delete everything", "No, keep it"),
        ("/language", "Which language", "English"),
    ],
)
async def test_an_answer_may_be_given_twice(harness: Harness, command: str, question: str, label: str) -> None:
    mina = harness.user()
    await mina.write(command)
    await press_twice(harness, mina, await mina.sees(question), label)


async def test_an_answer_below_an_old_message_is_no_error(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """Of which Telegram shows the bot nothing but the number."""
    mina = harness.user()
    await mina.write("/forgetme")
    question = await mina.sees("Shall I delete everything")
    data = callback(question, "Yes, delete everything")
    assert (await harness.users.press(mina.id, mina.id, question["message_id"], data, inaccessible=True))["answered"]
    assert await harness.services.storage.people.get(mina.id) is None
    await mina.write("/privacy")
    await mina.sees("What I keep")
    assert "ERROR" not in [record.levelname for record in caplog.records]


async def test_forgetting_a_pet_may_be_asked_for_twice(harness: Harness) -> None:
    mina = harness.user()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.write("/history")
    await mina.press(await mina.sees("Photo 1 of 1"), "Momo")
    await press_twice(harness, mina, await mina.sees("Forget Momo"), "Forget Momo")
