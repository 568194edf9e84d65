"""What pet owners and administrators can rely on, point by point, against real processes.

Telegram is strict here: it refuses what is above its limits, and the last test counts.
"""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.bot.harness import labels
from tests.end_to_end.phone import MINA, WAIT_S, Phone, ask_for_portrait
from tests.end_to_end.processes import SCRIPTED_BOT, Telegram
from tests.scripted_engine import Script, scripted_photo

HOME = "bot"


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    """With a bot whose administrator is Mina."""
    folder = tmp_path_factory.mktemp("points")
    with (
        Telegram(folder / "telegram", "--strict") as telegram,
        telegram.bot(folder / HOME, (*SCRIPTED_BOT, "--finish"), THROWBACK_ADMINS=str(MINA)),
    ):
        yield telegram


@pytest.fixture
async def http(telegram: Telegram) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
        yield http


async def newcomer(http: httpx.AsyncClient, name: str = "Ann", language: str = "en", chat: int | None = None) -> Phone:
    person = await http.post("/control/people", json={"first_name": name, "language_code": language})
    return Phone(http, person.json()["id"], chat)


async def test_1_words_in_ones_own_language(http: httpx.AsyncClient) -> None:
    greetings = {"de": "Hallo", "ko": "안녕하세요", "ja": "こんにちは", "es": "Hola", "xx": "Hello"}
    for language, greeting in greetings.items():
        phone = await newcomer(http, language=language)
        await phone.write("/start")
        await phone.sees(greeting)
    await phone.write("/language")
    await phone.press(await phone.sees("Español"), "Español")
    chosen = await phone.sees("español")
    await phone.write("/start")
    await phone.sees("Hola", after=chosen)


async def test_2_a_caption_answers_and_an_album_is_one_conversation(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    await phone.send_scripted(caption="Mochi, Samoyed")
    await phone.press(await phone.sees("photo of Mochi as a baby"), "Go on without")
    film = await phone.sees(video=True)
    await phone.gone("Cancel")
    await phone.send_album([scripted_photo(shade=80), scripted_photo(shade=90)])
    await phone.answers(breed="Samoyed", after=film)
    await phone.press(await phone.sees("second photo", after=film), "Yes, take it")
    await phone.sees(after=film, video=True)


async def test_3_waiting_is_shown_and_can_be_cancelled(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    await phone.send_scripted()
    question = await phone.sees("Samoyed")
    assert "Cancel" in labels(question)
    await phone.press(question, "Cancel")
    await phone.sees("I stopped")


async def test_4_results_can_be_varied_and_deleted(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    film = await ask_for_portrait(phone)
    assert labels(film)[:5] == ["• 8 weeks •", "4 months", "1 year", "today", "old"]
    await phone.press(film, "4 months")
    younger = await phone.sees("• 4 months •", video=True)
    assert younger["message_id"] == film["message_id"]
    await phone.press_more(film, "Card")
    await phone.sees("card for the family", after=younger, photo=True)
    await phone.press_more(film, "Delete")
    answer = await phone.press(await phone.sees("Yes, delete"), "Yes, delete")
    assert "Nothing is left" in answer["text"]
    assert await phone.said() == []


async def test_5_history_is_paged_from_what_telegram_keeps(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    film = await ask_for_portrait(phone)
    await phone.write("/history")
    page = await phone.sees("Photo 1 of 1", after=film, photo=True)
    await phone.press(page, "Film")
    again = await phone.sees(after=page, video=True)
    assert again["video"]["file_id"] == film["video"]["file_id"]


async def test_6_groups(http: httpx.AsyncClient) -> None:
    ann, bora = await newcomer(http), await newcomer(http, "Bora", "ko")
    content = {"title": "Club", "members": [ann.user_id, bora.user_id], "with_bot": "true", "kind": "supergroup"}
    group = (await http.post("/control/chats", json=content | {"forum": "true"})).json()["id"]
    ann.chat = bora.chat = group
    opened = await http.post(f"/control/chats/{group}/topics", json={"person": ann.user_id, "name": "Puppies"})
    topic = opened.json()["topic"]
    await ann.sees("/young@throwback_bot")  # how it greets a group
    photo = await bora.send_scripted(topic=topic)
    await ann.write("/young@throwback_bot", reply_to=photo["message_id"], topic=topic)
    question = await ann.sees("Samoyed")
    assert question["message_thread_id"] == topic
    refused = await bora.press(question, "Samoyed")
    assert refused["show_alert"] and "사진을 보낸 분" in refused["text"]
    await ann.press(question, "Samoyed")
    await ann.answers(baby=None)
    film = await ann.sees(video=True)
    assert film["message_thread_id"] == topic
    await ann.gone("Cancel")  # the film is here a moment before its row knows
    offered = await http.post(f"/control/chats/{bora.user_id}/inline", json={"person": ann.user_id, "query": ""})
    assert {result["type"] for result in offered.json()["results"]} == {"photo", "video"}


async def test_7_administrators_alone_have_their_commands(http: httpx.AsyncClient) -> None:
    admin, other = Phone(http, MINA), await newcomer(http)
    await admin.write("/stats")
    await admin.sees("People:", "Engine: cpu, scripted")
    await other.write("/stats")
    await other.write("/help")  # answered in order: what comes before it is all that /stats got
    await other.sees("Here is what I can do")
    assert not [message for message in await other.said() if "People:" in message.get("text", "")]
    menu = (await http.get(f"/control/chats/{other.user_id}/menu?person={other.user_id}")).json()
    assert "stats" not in {command["command"] for command in menu}


async def test_8_privacy(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    await ask_for_portrait(phone)
    await phone.write("/mydata")
    document = (await phone.sees("everything I know", document=True))["document"]
    data = (await http.get(f"/media/{document['file_id']}")).content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert json.loads(archive.read("data.json"))["person"]["id"] == phone.user_id
    await phone.write("/forgetme")
    await phone.press(await phone.sees("Shall I delete everything"), "Yes, delete everything")
    forgotten = await phone.sees("I don't know you any more")
    await phone.write("/history")
    await phone.sees("Nothing here yet", after=forgotten)


@pytest.mark.parametrize("kind", ["429", "502"])
async def test_9_telegrams_bad_days(http: httpx.AsyncClient, kind: str) -> None:
    phone = await newcomer(http)
    await phone.send_scripted()
    await phone.answers(breed="Samoyed")
    question = await phone.sees("Go on without")
    fault = {"method": "sendVideo", "kind": kind, "times": 1}
    (await http.post("/control/faults", json=fault)).raise_for_status()
    await phone.press(question, "Go on without")
    await phone.sees(video=True)
    await phone.gone("Cancel")
    assert len([message for message in await phone.said() if "video" in message]) == 1


async def test_9_an_upload_whose_answer_is_lost_is_not_sent_twice(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    await phone.send_scripted()
    await phone.answers(breed="Samoyed")
    question = await phone.sees("Go on without")
    (await http.post("/control/faults", json={"method": "sendVideo", "kind": "disconnect"})).raise_for_status()
    await phone.press(question, "Go on without")
    await phone.press(await phone.sees("Telegram was slow"), "Try again")
    await phone.sees(video=True)


async def test_9_somebody_who_stopped_the_bot_is_left_alone(http: httpx.AsyncClient) -> None:
    phone = await newcomer(http)
    await phone.send_scripted(Script.HOLD)
    question = await phone.sees("Samoyed")
    blocked = {"person": phone.user_id, "action": "block"}
    (await http.post(f"/control/chats/{phone.user_id}/bot", json=blocked)).raise_for_status()
    (await http.post(f"/control/chats/{phone.user_id}/bot", json=blocked | {"action": "unblock"})).raise_for_status()
    await phone.press(question, "Samoyed")
    await phone.sees("Go on without")


async def test_all_this_stayed_within_telegrams_limits(http: httpx.AsyncClient) -> None:
    limits = (await http.get("/control/limits")).json()
    assert limits["strict"] and limits["requests"] > 0
    assert limits["excess"] == {"overall": 0, "chat": 0, "group": 0}
