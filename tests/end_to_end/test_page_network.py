"""The chat page on other devices of the local network, and as an installed app."""

from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.browser import CHROMIUM, DRIVER, PHONE, WAIT_S, Page
from tests.end_to_end.processes import Telegram

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver here")


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    with Telegram(tmp_path_factory.mktemp("page") / "telegram", "--host", "127.0.0.2") as telegram:
        yield telegram


def test_another_device_joins_with_the_code_and_is_removed(page: Page, telegram: Telegram) -> None:
    page.open(PHONE)
    page.click("#settings")
    page.click("//button[@role='menuitem'][.='Other devices']")
    assert telegram.network in page.find("dialog .code").text
    page.until(lambda: page.run("return arguments[0].naturalWidth", page.find("dialog .qr")) > 0)
    code = page.find("dialog .code b").text
    other = Page(page.chrome, telegram.network)
    other.open(PHONE)
    field = other.find("dialog.join input")
    assert "Mina" not in other.chrome.page_source
    field.send_keys("WRNG-CODE")
    other.click("dialog.join .strong")
    other.until(lambda: "not the code" in other.find(".join .wrong").text)
    field.clear()
    field.send_keys(code.lower())
    other.click("dialog.join .strong")
    other.chat("Throwback")
    other.click(other.button("Start"))  # changes something, and hears of it
    other.bubble("/start")
    other.click("#header .back")
    other.click("#settings")
    other.find("//button[@role='menuitem'][.='New group']")
    assert not other.all("//button[@role='menuitem'][.='Other devices']")
    (device,) = httpx.get(f"{telegram.url}/control/devices", timeout=WAIT_S).json()["joined"]
    httpx.delete(f"{telegram.url}/control/devices/{device['id']}", timeout=WAIT_S).raise_for_status()
    other.find("dialog.join input")
    assert all("401" in one or "403" in one or "WebSocket" in one for one in page.console_warnings())


def test_scanned_code_joins_at_once_and_is_not_kept_in_the_address(page: Page, telegram: Telegram) -> None:
    code = httpx.get(f"{telegram.url}/control/devices", timeout=WAIT_S).json()["code"]
    scanned = Page(page.chrome, f"{telegram.network}/#{code}")
    scanned.chrome.delete_all_cookies()
    scanned.open(PHONE)
    scanned.chat("Throwback")
    assert code not in scanned.chrome.current_url
    page.console_warnings()  # of the refusal before it joined


def test_page_can_be_installed_and_opens_without_its_server(page: Page, telegram: Telegram) -> None:
    page.open()
    page.find("#chats .chat")
    page.until(lambda: page.run("return Boolean(navigator.serviceWorker.controller)"))
    page.chrome.refresh()  # from now on what it loads is kept
    page.find("#chats .chat")
    assert page.chrome.execute_cdp_cmd("Page.getInstallabilityErrors", {})["installabilityErrors"] == []
    assert page.chrome.execute_cdp_cmd("Page.getAppManifest", {})["errors"] == []
    kept = "return (await (await caches.open('shell')).keys()).map(({url}) => new URL(url).pathname)"
    page.until(lambda: "/main.js" in page.run(kept))
    assert not [path for path in page.run(kept) if path.startswith(("/control/", "/media/"))]
    page.leave()
    telegram.kill()
    page.chrome.get(page.url)
    page.find("#sidebar")
    page.console_warnings()  # of the server that is gone
