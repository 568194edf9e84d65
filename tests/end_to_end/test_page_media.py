"""The chat page with everything that the bot may send, emoji on a machine without an emoji font, and the keyboard."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys

from tests.bot.playground.pictures import jpeg, png, webp
from tests.end_to_end.browser import CHROMIUM, DRIVER, WAIT_S, Guest, ManualBot, Page
from tests.end_to_end.processes import ROOT, Telegram

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver here")


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    """Without a bot: the tests call the Bot API themselves."""
    with Telegram(tmp_path_factory.mktemp("page") / "telegram") as telegram:
        yield telegram


@pytest.fixture(scope="module")
def today() -> Image.Image:
    return Image.merge("RGB", [Image.radial_gradient("L"), Image.linear_gradient("L"), Image.new("L", (256, 256), 90)])


@pytest.fixture(scope="module")
def young(today: Image.Image) -> Image.Image:
    face = Image.new("RGB", (70, 70), (220, 180, 120))
    changed = today.copy()
    changed.paste(face, (90, 80))
    return changed


@pytest.fixture(scope="module")
def film(today: Image.Image, young: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """From `today` to `young` within a second."""
    folder = tmp_path_factory.mktemp("film")
    for number in range(11):
        Image.blend(today, young, number / 10).save(folder / f"{number:02}.png")
    made = folder / "film.mp4"
    options = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(made))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-r", "10", "-i", str(folder / "%02d.png"), *options]
    subprocess.run(command, check=True)
    return made.read_bytes()


def send(telegram: Telegram, guest: Guest, kind: str, body: bytes, **values: Any) -> Any:
    """Upload a file as the bot; `kind` is photo, video_note …"""
    method = f"send{kind.replace('_', '')}"
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    files = {kind: (kind, body)}
    url = f"{telegram.url}/bot{telegram.token}/{method}"
    answer = httpx.post(url, data={"chat_id": str(guest.id), **form}, files=files, timeout=WAIT_S)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def as_jpeg(picture: Image.Image, path: Path) -> bytes:
    picture.save(path, "JPEG", quality=92)
    return path.read_bytes()


def test_every_medium_is_shown(page: Page, telegram: Telegram, guest: Guest, film: bytes) -> None:
    guest.write("hello")
    page.open(person=guest.name)
    page.chat("Throwback")
    send(telegram, guest, "animation", film, caption="There and back")
    playing = page.find("article .gif video")
    page.until(lambda: page.run("return arguments[0].currentTime", playing) > 0)
    assert page.run("return [arguments[0].controls, arguments[0].loop]", playing) == [False, True]
    page.click("article .gif")
    page.until(lambda: page.run("return arguments[0].paused", playing))
    send(telegram, guest, "video_note", film)
    note = page.find("article .bare .note")
    assert page.run("return getComputedStyle(arguments[0]).borderRadius", note) == "50%"
    send(telegram, guest, "sticker", webp(), emoji="🐶")
    page.until(lambda: page.run("return arguments[0].naturalWidth", page.find("article .sticker img")) == 512)
    assert page.find(".gist").text == "🐶 Sticker"
    send(telegram, guest, "document", png(), caption="To print")
    assert page.find("article .file").get_attribute("href")


def test_sticker_set_opens_and_a_press_sends_one(page: Page, telegram: Telegram, guest: Guest, bot: ManualBot) -> None:
    guest.write("hello")
    page.open(person=guest.name)
    page.chat("Throwback")
    sticker = send(telegram, guest, "sticker", webp())["sticker"]["file_id"]
    name = f"pack{guest.id}_by_throwback_bot"
    inside = {"sticker": sticker, "format": "static", "emoji_list": ["🐾"]}
    bot("createNewStickerSet", user_id=guest.id, name=name, title="Mochi's pack", stickers=[inside])
    bot("sendMessage", chat_id=guest.id, text=f"https://t.me/addstickers/{name}")
    page.click("//article//a[contains(., 'addstickers')]")
    assert page.find("dialog h2").text == "Mochi's pack"
    page.click("dialog .tile")
    page.gone("dialog")
    page.click("article.mine .sticker")
    page.find("dialog .tile")
    page.press(Keys.ESCAPE)
    page.gone("dialog")
    bot("deleteStickerSet", name=name)
    page.click("article.mine .sticker")
    assert "does not exist" in page.find(".toast").text
    (warning,) = page.console_warnings()  # of the refusal alone
    assert "400" in warning


def test_result_is_compared_with_today(
    page: Page,
    telegram: Telegram,
    guest: Guest,
    today: Image.Image,
    young: Image.Image,
    film: bytes,
    tmp_path: Path,
) -> None:
    path = tmp_path / "today.jpg"
    as_jpeg(today.resize((240, 320)), path)
    guest.write("hello")
    page.open(person=guest.name)
    page.chat("Throwback")
    send(telegram, guest, "photo", jpeg(256, 256), caption="a stranger")
    send(telegram, guest, "photo", as_jpeg(young, tmp_path / "young.jpg"), caption="from the film")
    send(telegram, guest, "video", film)
    page.attach(path)
    send(telegram, guest, "photo", as_jpeg(young.resize((240, 320)), tmp_path / "whole.jpg"), caption="whole")
    page.until(lambda: len(page.all("article .compare")) == 2)
    assert not page.all("//article[contains(., 'stranger')]//button[contains(@class, 'compare')]")
    for caption, below in (("from the film", "video"), ("whole", "img")):
        page.click(f"//article[contains(., {caption!r})]//button[contains(@class, 'compare')]")
        assert page.find("dialog .comparison .below").tag_name == below
        (slider,) = page.all("dialog .comparison input")
        assert page.run("return document.activeElement === arguments[0]", slider)
        page.press(Keys.HOME)
        clip = page.run("return getComputedStyle(document.querySelector('dialog .below')).clipPath")
        assert clip == "inset(0px 100% 0px 0px)"
        page.press(Keys.ESCAPE)
        page.gone("dialog")


def test_emoji_are_drawn_without_an_emoji_font(page: Page) -> None:
    said = "".join(path.read_text() for path in (ROOT / "bot" / "texts").glob("*.toml"))
    used = sorted(set(re.findall("[\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]", said)))
    assert len(used) > 15
    page.open()
    page.find("#chats .chat")
    dark = page.run(
        """
        const [used] = arguments;
        await document.fonts.load("32px Emoji", used.join(""));
        const context = new OffscreenCanvas(40, 40).getContext("2d", { willReadFrequently: true });
        context.font = "32px Emoji";
        return used.filter((one) => {
          context.clearRect(0, 0, 40, 40);
          context.fillText(one, 0, 32);
          const { data } = context.getImageData(0, 0, 40, 40);
          return !data.some((value, i) => i % 4 < 3 && value > 60 && data[i - (i % 4) + 3] > 200);
        });
        """,
        used,
    )
    assert dark == []  # whatever is drawn in the colour of the text is no emoji


def test_typing_goes_on_after_every_dialog(page: Page, guest: Guest, tmp_path: Path) -> None:
    (path := tmp_path / "mochi.jpg").write_bytes(jpeg(64, 64))
    guest.write("hello")
    page.open(person=guest.name)
    page.chat("Throwback")
    for number in range(3):
        page.attach(path, caption=f"photo {number}")
        page.bubble(f"photo {number}")
        page.press(f"typed {number}", Keys.ENTER)
        page.bubble(f"typed {number}")


def test_focus_is_never_lost(page: Page, telegram: Telegram, guest: Guest, bot: ManualBot) -> None:
    """People are one stop of the Tab key, and a button that goes leaves the focus where one writes."""
    guest.write("hello")
    keyboard = {"inline_keyboard": [[{"text": "Samoyed", "callback_data": "x"}]]}
    asked = bot("sendMessage", chat_id=guest.id, text="Which?", reply_markup=keyboard)
    page.open(person=guest.name)
    assert page.run("return document.querySelectorAll('#people [tabindex=\"0\"]').length") == 1
    page.run("document.querySelector('#people [aria-selected=true]').focus()")
    page.press(Keys.HOME)
    page.until(lambda: page.run("return document.activeElement.title") == "Mina")
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.find("#people [aria-selected=true]").get_attribute("title") == "Joon")
    assert page.run("return document.activeElement.title") == "Joon"
    page.take_phone(guest.name)
    page.chat("Throwback")
    page.run("arguments[0].focus()", page.find(page.button("Samoyed")))
    bot("deleteMessage", chat_id=guest.id, message_id=asked["message_id"])
    page.gone(page.button("Samoyed"))
    # Where one writes, or on a machine without a mouse the conversation, lest a keyboard come up.
    assert page.run("return document.activeElement.matches('textarea, #scroller')")


def test_passing_notes_cover_neither_the_last_words_nor_the_field(page: Page, guest: Guest) -> None:
    guest.write("the last words")
    page.open(person=guest.name)
    page.chat("Throwback")
    page.bubble("the last words")
    assert page.run(
        """
        const { toast } = await import("/dialogs.js");
        toast("One moment…");
        const note = document.querySelector(".toast").getBoundingClientRect();
        const below = (one) => document.querySelector(one).getBoundingClientRect().top > note.bottom;
        return below("article:last-of-type .bubble") && below("#composer");
        """
    )
