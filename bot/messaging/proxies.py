"""Which requests go through a proxy, and what is wrong with one that cannot be used."""

import os
from typing import Any

import httpx

from bot.playground.loopback import is_loopback
from bot.settings import SettingsError

_VARIABLES = tuple(
    name for scheme in ("http", "https", "all") for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
)


def client_options(api_url: str) -> dict[str, Any]:
    """Return the options of an httpx client for this server: no proxy leads to this machine."""
    return {"trust_env": not is_loopback(api_url)}


def check_proxies() -> None:
    """Raise `SettingsError` for a proxy in the environment that no request could go through."""
    wrong = [
        f"{name} is no proxy that can be used: http://, https:// and socks5:// can"
        for name in _VARIABLES
        if (address := os.environ.get(name, "").strip()) and not _usable(address)
    ]
    if wrong:
        raise SettingsError("\n".join(wrong))
    try:
        httpx.Client().close()
    except (ValueError, httpx.InvalidURL):
        raise SettingsError("NO_PROXY names no hosts that can be read: it must be names, separated by commas") from None


def _usable(address: str) -> bool:
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        return bool(proxy.url.host) and (proxy.url.port is None or proxy.url.port > 0)
    except (ValueError, httpx.InvalidURL):
        return False
