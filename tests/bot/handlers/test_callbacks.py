"""Buttons that are pressed twice: by a shaking finger, or because Telegram hands the press out again."""

import pytest

from tests.bot.harness import Harness, Json, User, callback


async def press_twice(town: Harness, person: User, message: Json, label: str) -> None:
    """Both presses are answered, and neither brings an apology."""
    for _ in range(2):
        assert (await person.press(message, label))["answered"]
    await person.write("/privacy")  # answered in order: after all that came of the presses
    await person.sees("What I keep")
    assert not [said for said in town.said_in(person.id) if "went wrong" in said.get("text", "")]


@pytest.mark.parametrize(
    ("command", "question", "label"),
    [
        ("/forgetme", "Shall I delete everything", "Yes, delete everything"),
        ("/forgetme", "Shall I delete everything", "No, keep it"),
        ("/language", "Which language", "English"),
    ],
)
async def test_an_answer_may_be_given_twice(town: Harness, command: str, question: str, label: str) -> None:
    mina = town.person()
    await mina.write(command)
    await press_twice(town, mina, await mina.sees(question), label)


async def test_an_answer_below_an_old_message_is_no_error(town: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """Of which Telegram shows the bot nothing but the number."""
    mina = town.person()
    await mina.write("/forgetme")
    question = await mina.sees("Shall I delete everything")
    data = callback(question, "Yes, delete everything")
    assert (await town.people.press(mina.id, mina.id, question["message_id"], data, inaccessible=True))["answered"]
    assert await town.services.storage.people.get(mina.id) is None
    await mina.write("/privacy")
    await mina.sees("What I keep")
    assert "ERROR" not in [record.levelname for record in caplog.records]


async def test_forgetting_a_pet_may_be_asked_for_twice(town: Harness) -> None:
    mina = town.person()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    await mina.write("/history")
    await mina.press(await mina.sees("1 of 1 picture"), "Momo")
    await press_twice(town, mina, await mina.sees("Forget Momo"), "Forget Momo")
