"""The chat page in headless Chromium, used as a person would."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PATIENCE_S = 40
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
DESKTOP, PHONE = (1180, 820), (390, 844)

_T = TypeVar("_T")


class Page:
    """One browser window with the playground in it."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        self.url = url

    def open(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False, person: str = "") -> None:
        """Loads the page in a window of this size, and takes the phone of `person`."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        if self.chrome.current_url.startswith(self.url):
            self.run("localStorage.clear()")  # a new phone remembers no chat
        self.chrome.get(self.url)
        if person:
            self.click(f"//button[@role='tab'][.='{person[0]}{person}']")
            self.find(f"//button[@role='tab'][@aria-selected='true'][.='{person[0]}{person}']")

    def all(self, where: str) -> list[WebElement]:
        """By CSS, or by XPath where it begins with a slash."""
        found: list[WebElement] = self.chrome.find_elements(
            By.XPATH if where.startswith("/") else By.CSS_SELECTOR, where
        )
        return found

    def find(self, where: str) -> WebElement:
        """The last such element that can be seen; waits for it."""
        return self.until(lambda: [one for one in self.all(where) if one.is_displayed()])[-1]

    def until(self, condition: Callable[[], _T]) -> _T:
        """Waits until it holds, and gives what it gave."""

        def holds(_: Chrome) -> object:
            try:
                return condition() or False
            except StaleElementReferenceException:
                return False

        return cast(_T, WebDriverWait(self.chrome, PATIENCE_S, poll_frequency=0.1).until(holds))

    def gone(self, where: str) -> None:
        self.until(lambda: not [one for one in self.all(where) if one.is_displayed()])

    def click(self, where: str) -> None:
        def clicked() -> bool:
            self.find(where).click()
            return True

        self.until(clicked)

    def button(self, label: str) -> str:
        """Where the button with this in its text is."""
        return f"//button[contains(., {label!r})]"

    def chat(self, title: str) -> None:
        """Opens a chat from the list."""
        self.click(f"//button[contains(@class, 'chat')][span[@class='title']={title!r}]")
        self.find(f"//*[@id='header']//h1[.={title!r}]")

    @property
    def field(self) -> WebElement:
        return self.find("#composer textarea")

    def write(self, text: str) -> None:
        self.field.send_keys(text, Keys.ENTER)

    def press(self, *keys: str) -> None:
        """Keys for whatever has the focus."""
        ActionChains(self.chrome).send_keys(*keys).perform()

    def menu(self, inside: WebElement) -> None:
        """The other mouse button."""
        ActionChains(self.chrome).context_click(inside).perform()

    def bubble(self, *parts: str) -> WebElement:
        """The last message with all these parts."""
        conditions = "".join(f"[contains(., {part!r})]" for part in parts)
        return self.find(f"//article{conditions}")

    def attach(self, *files: Path, as_file: bool = False, caption: str = "") -> None:
        """Through the paper-clip's file chooser and the dialog that follows."""
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

    def complaints(self) -> list[str]:
        """What the browser has written to its console since the last time."""
        entries = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in {"WARNING", "SEVERE"}]


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
