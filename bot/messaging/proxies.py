"""Which requests go through a proxy, and what is wrong with one that cannot be used."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies_environment

import httpx

from bot.playground.loopback import is_loopback
from bot.settings import SettingsError


def client_options(api_url: str) -> dict[str, Any]:
    """Return the options of an httpx client for this server: no proxy leads to this machine."""
    return {"trust_env": not is_loopback(api_url)}


def check_proxies(environment: Mapping[str, str] = os.environ) -> None:
    """Raise `SettingsError` for a proxy in the environment that no request could go through."""
    wrong = []
    for scheme in getproxies_environment():
        for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper()):
            address = environment.get(name, "").strip()
            if address and scheme in ("http", "https", "all") and not _usable(address):
                wrong.append(f"{name} is no proxy that can be used: http://, https:// and socks5:// can")
    if wrong:
        raise SettingsError("\n".join(wrong))


def _usable(address: str) -> bool:
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        return bool(proxy.url.host) and (proxy.url.port is None or proxy.url.port > 0)
    except (ValueError, httpx.InvalidURL):
        return False
