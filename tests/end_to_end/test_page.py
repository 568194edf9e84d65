"""The chat page in a real browser, with the real bot behind it and the scripted engine behind that."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from tests.end_to_end.browser import CHROMIUM, DRIVER, PHONE, Guest, ManualBot, Page
from tests.end_to_end.processes import Telegram

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver here")


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    folder = tmp_path_factory.mktemp("page")
    with Telegram(folder / "telegram") as telegram, telegram.bot(folder / "bot"):
        yield telegram


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "mochi.jpg"
    Image.radial_gradient("L").resize((900, 1200)).convert("RGB").save(path)
    return path


def test_photo_becomes_picture_and_film(page: Page, guest: Guest, photo: Path) -> None:
    page.begin(guest.name)
    page.attach(photo, caption="Mochi")
    assert "Mochi" in page.find("article.mine:has(.photo)").text
    page.click(page.button("Samoyed"))
    page.click(page.button("Go on without"))
    page.bubble("back to the early days")
    film = page.find("article video")
    page.until(
        lambda: page.run(
            "const s = document.getElementById('scroller'); return s.scrollHeight - s.scrollTop - s.clientHeight < 2"
        )
    )
    page.until(lambda: page.run("return arguments[0].currentTime", film) > 0)
    assert page.run("const v = arguments[0]; return [v.loop, v.muted, v.controls, v.paused, v.playsInline]", film) == [
        True, True, True, False, True,
    ]  # fmt: skip
    page.click("//article[contains(., 'Here you go')]//button[@class='photo']")
    picture = page.find("dialog.viewer img")
    page.until(lambda: page.run("return arguments[0].naturalWidth", picture) > 0)
    page.press(Keys.ESCAPE)
    page.gone("dialog")


def test_reload_keeps_the_conversation(page: Page, guest: Guest, photo: Path) -> None:
    page.begin(guest.name)
    page.attach(photo)
    page.bubble("Samoyed")
    page.field.send_keys("half a sentence")
    before = [one.text for one in page.all("article")]
    page.chrome.refresh()
    page.bubble("Samoyed")
    assert [one.text for one in page.all("article")] == before
    assert page.field.get_property("value") == "half a sentence"


def test_second_person_and_group(page: Page, telegram: Telegram, photo: Path) -> None:
    ann, bora = Guest(telegram), Guest(telegram, "ko")
    group = ann.post("/chats", title="Picnic", members=[ann.id, bora.id], with_bot="true")
    page.open(person=ann.name)
    page.chat("Picnic")
    page.attach(photo, caption="/young@throwback_bot")
    page.bubble("Samoyed")
    page.click(f"//button[@role='tab'][contains(., '{bora.name}')]")
    page.until(lambda: page.run("return document.documentElement.lang") == "ko")
    assert ann.name in page.bubble("/young@throwback_bot").text
    page.click(page.button("Samoyed"))
    page.find("dialog.alert")
    assert "/young" in page.find("dialog.alert .said").text
    page.click("dialog button")
    page.find(page.button("Samoyed"))  # still to be answered by the one who asked
    page.chat("Throwback")
    ann.post(f"/chats/{group['id']}/messages", person=ann.id, text="Where are you?")
    assert page.find(f"[data-chat='{group['id']}'] .unread").text == "1"


def test_with_the_keyboard_alone(page: Page, guest: Guest, bot: ManualBot) -> None:
    page.begin(guest.name)
    commands = [{"command": name, "description": name} for name in ("start", "help")]
    bot("setMyCommands", commands=commands, scope={"type": "chat", "chat_id": guest.id})
    page.field.send_keys("/")
    page.until(lambda: len(page.all(".suggestions [role=option]")) == 2)
    page.field.send_keys(Keys.ARROW_DOWN)
    assert page.find(".suggestions [aria-selected]").text.startswith("/help")
    assert page.find(f"#{page.field.get_attribute('aria-activedescendant')}").text.startswith("/help")
    page.field.send_keys(Keys.ENTER)
    page.bubble("Here is what I can do")
    page.write("pupy")
    page.bubble("pupy")
    page.field.send_keys(Keys.ARROW_UP)
    page.until(lambda: page.field.get_property("value") == "pupy")
    page.field.send_keys(Keys.BACKSPACE, "py", Keys.ENTER)
    page.bubble("puppy", "edited")
    page.run("arguments[0].focus()", page.bubble("puppy", "edited"))
    page.press(Keys.ENTER)
    page.find("[role=menu]")
    page.press(Keys.ENTER)
    assert "puppy" in page.find(".context").text
    page.field.send_keys(Keys.ESCAPE)
    page.gone(".context")
    page.click("[aria-label='Settings']")
    page.click("//button[@role='menuitem'][.='New person']")
    page.find("dialog.ask input").send_keys("Ada", Keys.ENTER)
    page.find("//button[@role='tab'][contains(., 'Ada')]")


def test_news_before_any_chat_is_open(page: Page, guest: Guest, bot: ManualBot) -> None:
    page.open(PHONE)
    bot("setMyCommands", commands=[{"command": "young", "description": "Younger"}])
    guest.post("/chats", title="After the news", members=[guest.id], with_bot="true")
    page.take_phone(guest.name)
    page.chat("After the news")
    page.click("[aria-label='Commands']")
    page.click("//*[@role='option'][contains(., '/young')]")
    page.bubble("/young@throwback_bot")


def test_delete_and_reply_from_the_menu(page: Page, guest: Guest) -> None:
    page.begin(guest.name)
    page.menu("//article[contains(., 'Send me a photo')]//*[@class='words']")
    page.click("//button[@role='menuitem'][.='Reply']")
    page.write("All right")
    assert "Throwback" in page.bubble("All right").find_element("css selector", ".quote").text
    page.menu("//article[contains(., 'All right')]//*[@class='words']")
    page.click("//button[@role='menuitem'][.='Delete']")
    page.click("dialog .strong")
    page.gone("//article[contains(., 'All right')]")


def test_files_dropped_and_pasted(page: Page, guest: Guest) -> None:
    page.begin(guest.name)
    transfer = (
        "const d = new DataTransfer(); d.items.add(new File(['not a picture'], 'notes.txt', {type: 'text/plain'}));"
    )
    page.run(f"{transfer} document.body.dispatchEvent(new DragEvent('dragenter', {{bubbles: true, dataTransfer: d}}))")
    page.find("#drop")
    drop = "document.querySelectorAll('#drop > div')[1]"
    page.run(f"{transfer} {drop}.dispatchEvent(new DragEvent('drop', {{bubbles: true, dataTransfer: d}}))")
    page.click("dialog button[value=ok]")
    assert "notes.txt" in page.find("article .file").text
    page.gone("#drop")
    paste = "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: d, bubbles: true, cancelable: true}))"
    page.run(f"{transfer} {paste}")
    page.find("dialog .previews")
    page.press(Keys.ESCAPE)
    page.gone("dialog")


def test_picture_that_cannot_be_a_photo_is_offered_as_file(page: Page, guest: Guest, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 cut off")
    page.begin(guest.name)
    (chooser,) = page.all("#composer input[type=file]")
    chooser.send_keys(str(broken))
    page.click("dialog button[value=ok]")
    page.click("dialog.alert .strong")
    assert "broken.jpg" in page.find("article .file").text
    # The bad answer to the first try is in the console, and nothing else.
    (warning,) = page.console_warnings()
    assert "400" in warning


def test_on_a_phone_one_pane_at_a_time(page: Page, guest: Guest) -> None:
    page.open(PHONE, person=guest.name)
    assert not page.find("#chats").find_elements("css selector", "[aria-current]")
    page.chat("Throwback")
    page.gone("#sidebar")
    page.click(page.button("Start"))
    page.bubble("Send me a photo")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.click("#header .back")
    page.find("#sidebar")
    page.gone("#conversation")


def test_a_phone_that_is_turned_has_room_for_a_chat(page: Page, guest: Guest) -> None:
    page.open(PHONE, person=guest.name)
    page.gone("#conversation")
    page.turn()
    page.find("//*[@id='header']//h1[.='Throwback']")
    page.find("#chats [aria-current]")


def test_words_from_right_to_left_leave_the_time_its_place(page: Page, guest: Guest) -> None:
    guest.write("/help שלום לכולם")
    page.open(PHONE, person=guest.name)
    page.chat("Throwback")
    guest.write("שלום לכולם /help")
    overlap = """
      const [bubble] = arguments[0].getElementsByClassName("bubble");
      const words = document.createRange();
      words.setStart(bubble.querySelector(".words"), 0);
      words.setEndBefore(bubble.querySelector(".room"));
      const time = bubble.querySelector(":scope > .stamp").getBoundingClientRect();
      const apart = (one) => one.right <= time.left || time.right <= one.left || one.bottom <= time.top;
      return ![...words.getClientRects()].every(apart);
    """
    for text in ("/help שלום לכולם", "שלום לכולם /help"):
        assert page.run(overlap, page.bubble(text)) is False


def test_light_and_dark(page: Page) -> None:
    grounds = []
    for dark in (False, True):
        page.open(dark=dark)
        page.find("#chats .chat")
        rgb = page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)")
        grounds.append(sum(map(int, rgb)) / 3)
    assert grounds[0] > 230 and grounds[1] < 50


def test_everything_that_can_be_pressed_has_a_name(page: Page, guest: Guest) -> None:
    page.begin(guest.name)
    nameless = page.run(
        "return [...document.querySelectorAll('button, a, input:not([hidden]), textarea, video')]"
        ".filter((one) => !(one.textContent.trim() || one.ariaLabel)).map((one) => one.outerHTML)"
    )
    assert nameless == []


def test_page_comes_back_with_the_playground(tmp_path: Path, window: Page) -> None:
    """A half-typed text, and what it replies to, are still there then."""
    home = tmp_path / "telegram"
    with Telegram(home) as first:
        port = first.url.rpartition(":")[2]
        page = Page(window.chrome, first.url)
        page.open()
        page.chat("Throwback")
        page.click(page.button("Start"))
        page.bubble("/start")
        page.menu("//article[contains(., '/start')]//*[@class='words']")
        page.click("//button[@role='menuitem'][.='Reply']")
        page.field.send_keys("still ", Keys.ARROW_LEFT)
        first.kill()
    page.until(lambda: "not running" in page.find("#header .about").text)
    with Telegram(home, "--port", port) as second:
        page.until(lambda: "not running" not in page.find("#header .about").text)
        mina = 1001
        said = {"person": mina, "text": "meanwhile"}
        httpx.post(f"{second.url}/control/chats/{mina}/messages", json=said, timeout=60).raise_for_status()
        page.bubble("meanwhile")
        page.press(Keys.ARROW_RIGHT, "there?", Keys.ENTER)
        assert "/start" in page.bubble("still there?").find_element("css selector", ".quote").text
    page.leave()


def test_storage_holds_no_secrets(page: Page, telegram: Telegram) -> None:
    page.open()
    kept = json.dumps(page.run("return {...localStorage}"))
    assert telegram.token not in kept
    assert telegram.token not in page.chrome.page_source


def test_the_page_says_everything_in_every_language(page: Page, telegram: Telegram) -> None:
    guest = Guest(telegram, "pt-br")
    page.open(person=guest.name)
    assert page.run("return document.documentElement.lang") == "pt"
    page.chat("Throwback")
    page.click(page.button("Começar"))
    words = page.run(
        "const { LANGUAGES } = await import('/words.js');"
        "const modules = Object.keys(LANGUAGES).map((code) => import(`/words.${code}.js`));"
        "return (await Promise.all(modules)).map((module) => module.default)"
    )
    places = [{key: sorted(re.findall(r"{\w+}", said)) for key, said in one.items()} for one in words]
    assert len(places) == 8
    assert all(one == places[0] for one in places)
