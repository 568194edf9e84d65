from tests.bot.harness import Harness


async def test_telegrams_language_is_spoken_until_another_is_chosen(harness: Harness) -> None:
    joon = harness.user("Joon", "ko-KR")
    await joon.write("/start")
    await joon.sees("안녕하세요")
    await joon.write("/language")
    await joon.press(await joon.sees("어떤 언어로", "Deutsch"), "English")
    await joon.sees("English it is")
    await joon.write("/help")
    await joon.sees("Here is what I can do")


async def test_a_language_we_do_not_speak_becomes_english(harness: Harness) -> None:
    someone = harness.user("Aino", "fi")
    await someone.write("/start")
    await someone.sees("Hello!")


async def test_back_to_telegrams_language(harness: Harness) -> None:
    joon = harness.user("Joon", "ko")
    await joon.write("/language")
    await joon.press(await joon.sees("어떤 언어로"), "English")
    english = await joon.sees("English it is")
    await joon.write("/language")
    await joon.press(await harness.message_after(joon.id, english, "Which language"), "Same as Telegram")
    await joon.sees("이제 한국어로")
