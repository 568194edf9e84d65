"""Uses the chat page in headless Chromium, as somebody would."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.end_to_end.processes import Telegram

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WAIT_S = 90  # s until a test gives up; for the slowest machine
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DESKTOP, PHONE = (1180, 820), (390, 844)  # pixels

# An element may be replaced, or still be covered by one that is leaving, just when a test wants to use it.
_TRY_AGAIN = (StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException)

# Runs before the page's own scripts, and delays answers and events for as long as a test holds them.
_DELAYS = """
const holds = new Map();
window.answered = [];
window.hold = (what) => {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  holds.set(what, { released, release });
};
window.letGo = (what) => {
  holds.get(what).release();
  holds.delete(what);
};
const released = (what) => [...holds].find(([held]) => what.endsWith(held))?.[1].released;
const ask = window.fetch;
window.fetch = async (url, options) => {
  const answer = await ask(url, options);
  window.answered.push(url);
  await released(url);
  return answer;
};
window.WebSocket = class extends WebSocket {
  set onmessage(tell) {
    super.onmessage = async (message) => {
      await released("events");
      tell(message);
    };
  }
};
for (const what of HELD) hold(what);
"""

_T = TypeVar("_T")


class Page:
    """One browser window with the playground in it."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        self.url = url

    def open(
        self, size: tuple[int, int] = DESKTOP, *, dark: bool = False, person: str = "", held: Sequence[str] = ()
    ) -> None:
        """Load the page in a window of this size, and take the phone of `person`.

        `held` are ends of addresses whose answers are delayed from the beginning; see `hold`.
        """
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        # Without motion nothing moves away from a click.
        media = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in media.items()]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.leave()
        # A new phone remembers no chat.
        whole = {"origin": self.url, "storageTypes": "local_storage"}
        self.chrome.execute_cdp_cmd("Storage.clearDataForOrigin", whole)
        script = {"source": f"const HELD = {json.dumps(held)};{_DELAYS}"}
        added = self.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
        self.chrome.get(self.url)
        self.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        if person:
            self.take_phone(person)

    def begin(self, user: str) -> None:
        """Load the page with the phone of `user`, and start the bot."""
        self.open(person=user)
        self.chat("Throwback")
        self.click(self.button("Start"))
        self.bubble("Send me a photo of your dog or cat")

    def take_phone(self, person: str) -> None:
        self.click(f"//button[@role='tab'][.='{person[0]}{person}']")
        self.find(f"//button[@role='tab'][@aria-selected='true'][.='{person[0]}{person}']")

    def turn(self) -> None:
        """Turn a phone from upright to landscape."""
        height, width = PHONE
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def leave(self) -> None:
        self.chrome.get("about:blank")

    def hold(self, end: str) -> None:
        """Delay the answers from addresses that end so; `events` are those over the WebSocket."""
        self.run("window.answered = []; hold(arguments[0])", end)

    def answered(self, end: str) -> None:
        """Wait until the server has answered such an address, though the page may not have got it yet."""
        self.until(lambda: self.run("return window.answered.some((url) => url.endsWith(arguments[0]))", end))

    def let_go(self, end: str) -> None:
        """Let the delayed answers through."""
        self.run("letGo(arguments[0])", end)

    def all(self, where: str) -> list[WebElement]:
        """Return the elements at a CSS selector, or at an XPath where it begins with a slash."""
        found: list[WebElement] = self.chrome.find_elements(
            By.XPATH if where.startswith("/") else By.CSS_SELECTOR, where
        )
        return found

    def find(self, where: str) -> WebElement:
        """Return the last such element that can be seen, once there is one."""
        return self.until(lambda: [one for one in self.all(where) if one.is_displayed()])[-1]

    def until(self, condition: Callable[[], _T]) -> _T:
        """Wait until `condition` holds, and return what it returned."""

        def holds(_: Chrome) -> object:
            try:
                return condition() or False
            except _TRY_AGAIN:
                return False

        return cast(_T, WebDriverWait(self.chrome, WAIT_S, poll_frequency=0.1).until(holds))

    def gone(self, where: str) -> None:
        self.until(lambda: not [one for one in self.all(where) if one.is_displayed()])

    def click(self, where: str) -> None:
        def clicked() -> bool:
            self.find(where).click()
            return True

        self.until(clicked)

    def button(self, label: str) -> str:
        """Return the XPath of a button with this in its text."""
        return f"//button[contains(., {label!r})]"

    def chat(self, title: str) -> None:
        """Open a chat from the list."""
        self.click(f"//button[contains(@class, 'chat')][span[@class='title']={title!r}]")
        self.find(f"//*[@id='header']//h1[.={title!r}]")

    @property
    def field(self) -> WebElement:
        return self.find("#composer textarea")

    def write(self, text: str) -> None:
        self.field.send_keys(text, Keys.ENTER)

    @property
    def typed(self) -> str:
        return str(self.field.get_property("value"))

    def press(self, *keys: str) -> None:
        """Press keys for whatever has the focus."""
        ActionChains(self.chrome).send_keys(*keys).perform()

    def menu(self, where: str) -> None:
        """Open an element's context menu, wherever it is by then: events move it."""
        script = """
          const { x, y, width, height } = arguments[0].getBoundingClientRect();
          const point = { bubbles: true, cancelable: true, clientX: x + width / 2, clientY: y + height / 2 };
          arguments[0].dispatchEvent(new MouseEvent("contextmenu", point));
          return true;
        """
        self.until(lambda: self.run(script, self.find(where)))

    def bubble(self, *parts: str) -> WebElement:
        """Return the last message with all these parts."""
        conditions = "".join(f"[contains(., {part!r})]" for part in parts)
        return self.find(f"//article{conditions}")

    def attach(self, *files: Path, as_file: bool = False, caption: str = "") -> None:
        """Send files by the paper clip and the dialog that follows."""
        (chooser,) = self.all("#composer input[type=file]")
        chooser.send_keys("\n".join(str(file) for file in files))
        self.find("dialog .previews")
        if as_file:
            self.click("dialog .switch")
        if caption:
            self.find("dialog textarea").send_keys(caption)
        self.click("dialog button[value=ok]")
        self.gone("dialog")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.chrome.execute_script(script, *arguments)

    def console_warnings(self) -> list[str]:
        """Return the warnings in the browser's console since the last time."""
        entries = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in {"WARNING", "SEVERE"}]


_names = (f"Guest{number}" for number in count(1))


class Guest:
    """A new user, whose chats are empty; acts over HTTP."""

    def __init__(self, telegram: Telegram, language: str = "en") -> None:
        self.name = next(_names)
        self._url = f"{telegram.url}/control"
        self.id: int = self.post("/people", first_name=self.name, language_code=language)["id"]

    def post(self, path: str, **content: Any) -> Any:
        return self.ask("POST", path, **content)

    def ask(self, verb: str, path: str, **content: Any) -> Any:
        response = httpx.request(verb, self._url + path, json=content, timeout=WAIT_S)
        assert response.status_code == 200, response.text
        return response.json()

    def write(self, text: str, chat: int | None = None) -> int:
        """Write a message, and return its number."""
        return int(self.post(f"/chats/{chat or self.id}/messages", person=self.id, text=text)[0]["message_id"])


class ManualBot:
    """Calls the Bot API's methods: `bot("sendMessage", chat_id=…, text=…)` returns the result."""

    def __init__(self, telegram: Telegram) -> None:
        self._url = f"{telegram.url}/bot{telegram.token}"

    def __call__(self, method: str, **parameters: Any) -> Any:
        response = httpx.post(f"{self._url}/{method}", json=parameters, timeout=WAIT_S)
        assert response.status_code == 200, response.text
        return response.json()["result"]


@contextmanager
def browser(profile: Path) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()
