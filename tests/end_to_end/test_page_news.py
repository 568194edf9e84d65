"""The chat page while events and answers come late, twice, in another order, or in the middle of something."""

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.end_to_end.browser import CHROMIUM, DRIVER, PHONE, Guest, ManualBot, Page
from tests.end_to_end.processes import Telegram

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver here")


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    """Without a bot: the tests call the Bot API themselves."""
    with Telegram(tmp_path_factory.mktemp("page") / "telegram") as telegram:
        yield telegram


def keyboard(*labels: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": label, "callback_data": label}] for label in labels]}


def group(guest: Guest, title: str, *others: Guest, **settings: Any) -> int:
    members = [guest.id, *(other.id for other in others)]
    return int(guest.post("/chats", title=title, members=members, with_bot="true", **settings)["id"])


def test_what_happens_while_the_page_loads_is_not_lost(page: Page, guest: Guest, bot: ManualBot) -> None:
    page.open(held=["/state"])
    page.answered("/state")
    club = group(guest, "Begun meanwhile")
    guest.write("first words", club)
    bot("sendChatAction", chat_id=club, action="typing")
    bot("setMyCommands", commands=[{"command": "young", "description": "Younger"}])
    guest.ask("PATCH", f"/people/{guest.id}", first_name="Gudrun")
    page.let_go("/state")
    page.take_phone("Gudrun")
    page.chat("Begun meanwhile")
    page.bubble("first words")


def test_what_is_said_while_a_chat_opens_is_in_it(page: Page, guest: Guest, bot: ManualBot) -> None:
    club = group(guest, "Club")
    kept, gone = guest.write("as it was", club), guest.write("soon gone", club)
    page.open(PHONE, person=guest.name)
    page.hold(f"{club}/messages")
    page.click(f"[data-chat='{club}']")
    page.answered(f"{club}/messages")
    bot("sendMessage", chat_id=club, text="in between")
    guest.ask("PATCH", f"/chats/{club}/messages/{kept}", person=guest.id, text="as it is")
    guest.ask("DELETE", f"/chats/{club}/messages/{gone}", person=guest.id)
    page.let_go(f"{club}/messages")
    page.bubble("in between")
    page.bubble("as it is", "edited")
    page.gone("//article[contains(., 'soon gone')]")


def test_the_chat_asked_for_last_is_shown_whichever_comes_first(page: Page, guest: Guest) -> None:
    page.open(person=guest.name)
    slow, quick = group(guest, "Slow"), group(guest, "Quick")
    guest.write("slow words", slow)
    guest.write("quick words", quick)
    page.hold(f"{slow}/messages")
    page.click(f"[data-chat='{slow}']")
    page.answered(f"{slow}/messages")
    page.chat("Quick")
    page.menu("//article[contains(., 'quick words')]//*[@class='words']")
    page.click("//button[@role='menuitem'][.='Reply']")
    page.field.send_keys("to whom?")
    page.let_go(f"{slow}/messages")
    guest.write("more slow words", slow)
    page.until(lambda: page.find(f"[data-chat='{slow}'] .gist").text == "more slow words")
    assert page.find("#header h1").text == "Quick"
    page.field.send_keys(Keys.ENTER)
    assert "quick words" in page.bubble("to whom?").find_element("css selector", ".quote").text


def test_what_is_typed_goes_to_the_chat_that_is_seen(page: Page, guest: Guest) -> None:
    page.open(person=guest.name)
    here, there = group(guest, "Here"), group(guest, "There")
    for chat in (here, there):
        guest.write("hello", chat)
    page.chat("Here")
    page.hold(f"{there}/messages")
    page.click(f"[data-chat='{there}']")
    page.answered(f"{there}/messages")
    assert page.find("#header h1").text == "Here"
    page.write("said here")
    page.bubble("said here")
    page.field.send_keys("half a sentence")
    page.let_go(f"{there}/messages")
    page.find("//*[@id='header']//h1[.='There']")
    assert page.typed == ""
    page.gone("//article[contains(., 'said here')]")
    page.chat("Here")
    assert page.typed == "half a sentence"


def test_somebody_new_and_somewhere_new_whose_news_come_after_the_answer(page: Page, guest: Guest) -> None:
    page.open(person=guest.name)
    for name, title, answer in (("Late Club", "New group", "/chats"), ("Ada", "New person", "/people")):
        page.hold("events")
        page.click("[aria-label='Settings']")
        page.click(f"//button[@role='menuitem'][.='{title}']")
        page.find("dialog.ask input").send_keys(name, Keys.ENTER)
        page.answered(answer)
        page.let_go("events")
        page.find(f"//*[@aria-selected='true' and contains(., '{name}')]|//*[@id='header']//h1[.='{name}']")
        page.find("#composer")


def test_unread_counts_forget_what_was_deleted(page: Page, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    page.open(PHONE, person=guest.name)
    bot("sendMessage", chat_id=guest.id, text="a picture")
    progress = bot("sendMessage", chat_id=guest.id, text="half done")
    where = f"[data-chat='{guest.id}']"
    page.until(lambda: page.find(f"{where} .unread").text == "2")
    bot("deleteMessage", chat_id=guest.id, message_id=progress["message_id"])
    page.until(lambda: page.find(f"{where} .unread").text == "1")
    assert page.find(f"{where} .gist").text == "a picture"
    page.chat("Throwback")
    page.click("#header .back")
    page.gone(f"{where} .unread")


def test_a_group_becomes_another_while_somebody_writes_in_it(page: Page, guest: Guest) -> None:
    club = group(guest, "Growing")
    guest.write("from before", club)
    page.open(person=guest.name)
    page.chat("Growing")
    guest.post(f"/chats/{club}/migrate", person=guest.id)
    page.find("//*[@class='service'][contains(., 'supergroup')]")
    page.bubble("from before")
    page.write("afterwards")
    page.bubble("afterwards")
    page.menu("//article[contains(., 'from before')]//*[@class='words']")
    page.click("//button[@role='menuitem'][.='Delete']")
    page.click("dialog .strong")
    page.gone("//article[contains(., 'from before')]")


def test_whoever_leaves_a_group_is_not_left_in_it(page: Page, telegram: Telegram, guest: Guest) -> None:
    club = group(Guest(telegram), "Left behind", guest)
    page.open(person=guest.name)
    page.chat("Left behind")
    guest.post(f"/chats/{club}/members", person=guest.id, status="left")
    page.find("//*[@id='header']//h1[.='Throwback']")
    page.gone(f"[data-chat='{club}']")


def test_somebody_else_comes_while_a_message_is_edited(page: Page, telegram: Telegram, guest: Guest) -> None:
    guest.write("pupy")
    page.open(person=guest.name)
    page.chat("Throwback")
    page.bubble("pupy")
    page.field.send_keys(Keys.ARROW_UP)
    page.until(lambda: page.typed == "pupy")
    page.field.send_keys(Keys.BACKSPACE)
    newcomer = Guest(telegram)
    page.find(f"//button[@role='tab'][.='{newcomer.name[0]}{newcomer.name}']")
    page.press("py", Keys.ENTER)
    page.bubble("puppy", "edited")
    assert len(page.all("article")) == 1


def test_whatever_the_bot_says_that_it_does_is_shown(page: Page, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    page.open(person=guest.name)
    page.chat("Throwback")
    for action, words in (("upload_video", "sending a film"), ("choose_sticker", "typing")):
        bot("sendChatAction", chat_id=guest.id, action=action)
        page.until(lambda words=words: words in page.find("#header .about").text)  # type: ignore[misc]


def test_a_button_keeps_the_focus_while_the_words_above_it_change(page: Page, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    asked = {"chat_id": guest.id, "reply_markup": keyboard("Cancel")}
    sent = bot("sendMessage", text="one half", **asked)
    page.open(person=guest.name)
    page.chat("Throwback")
    page.run("arguments[0].focus()", page.find(page.button("Cancel")))
    bot("editMessageText", message_id=sent["message_id"], text="nearly done", **asked)
    page.bubble("nearly done")
    assert page.run("return document.activeElement.textContent") == "Cancel"
    asked["reply_markup"] = keyboard("Again")
    bot("editMessageText", message_id=sent["message_id"], text="done", **asked)
    page.find(page.button("Again"))
    page.gone(page.button("Cancel"))


def test_settings_opened_before_anything_is_known_come_as_soon_as_it_is(page: Page) -> None:
    page.open(held=["/state", "/devices"])
    page.click("#settings")
    for end in ("/state", "/devices"):
        page.answered(end)
        assert not page.all("[role='menuitem']")
        page.let_go(end)
    page.find("//button[@role='menuitem'][.='New group']")


def test_what_cannot_be_done_any_more_is_said(page: Page, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    sent = bot("sendMessage", chat_id=guest.id, text="Which?", reply_markup=keyboard("This"))
    page.open(person=guest.name)
    page.chat("Throwback")
    page.find(page.button("This"))
    page.hold("events")
    bot("deleteMessage", chat_id=guest.id, message_id=sent["message_id"])
    page.click(page.button("This"))
    assert "message not found" in page.find(".toast").text
    page.let_go("events")
    page.gone(page.button("This"))
    (warning,) = page.console_warnings()  # of the refusal alone
    assert "400" in warning


def test_commands_are_offered_when_they_come_after_the_slash(page: Page, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    scope = {"type": "chat", "chat_id": guest.id}
    bot("setMyCommands", commands=[{"command": "old", "description": "Old"}], scope=scope)
    page.open(PHONE, person=guest.name)
    menu = f"/menu?person={guest.id}"
    page.hold(menu)
    page.chat("Throwback")
    page.answered(menu)
    page.field.send_keys("/")
    page.gone("[aria-label='Commands']")
    bot("setMyCommands", commands=[{"command": "young", "description": "Younger"}], scope=scope)
    page.let_go(menu)
    page.find("//*[@role='option'][contains(., '/young')]")
    page.gone("//*[@role='option'][contains(., '/old')]")


def test_reading_what_was_before_is_not_disturbed(page: Page, telegram: Telegram, guest: Guest, bot: ManualBot) -> None:
    for number in range(40):
        guest.write(f"message {number}")
    page.open(person=guest.name)
    page.chat("Throwback")
    page.bubble("message 39")
    page.run("document.getElementById('scroller').scrollTop = 0")
    page.find("#down")
    newcomer = Guest(telegram)
    page.find(f"//button[@role='tab'][.='{newcomer.name[0]}{newcomer.name}']")
    bot("sendMessage", chat_id=guest.id, text="news")
    page.until(lambda: page.find("#down").text == "1")
    assert page.run("return document.getElementById('scroller').scrollTop") == 0
    page.click("#down")
    page.gone("#down")
