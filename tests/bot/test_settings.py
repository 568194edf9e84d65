from pathlib import Path

import pytest

from bot.settings import TELEGRAM_URL, Settings, Webhook, misspelt_variables
from engine import EngineSettings, SettingsError

TOKEN = "123456:" + "a" * 35


def test_only_the_token_is_needed() -> None:
    settings = Settings.read({"THROWBACK_TOKEN": TOKEN, "THROWBACK_HOME": "/data"})
    assert settings == Settings(TOKEN, EngineSettings(Path("/data")))
    assert settings.api_url == TELEGRAM_URL


def test_everything_is_read() -> None:
    settings = Settings.read(
        {
            "THROWBACK_TOKEN": TOKEN,
            "THROWBACK_HOME": "/data",
            "THROWBACK_API_URL": "http://127.0.0.1:8081/",
            "THROWBACK_DEVICE": "CUDA",
            "THROWBACK_NETWORK": "afhqdog",
            "THROWBACK_COMPILE": "1",
            "THROWBACK_ENGINE": "local",
            "THROWBACK_LOG": "Debug",
            "THROWBACK_ADMINS": "1, 22",
            "THROWBACK_WEBHOOK_URL": "https://pets.example",
            "THROWBACK_WEBHOOK_SECRET": "s3cret",
            "THROWBACK_WEBHOOK_PORT": "443",
            "THROWBACK_RETENTION_DAYS": "7",
            "THROWBACK_METRICS_PORT": "9000",
            "THROWBACK_DAILY_LIMIT": "5",
            "THROWBACK_GROUP_DAILY_LIMIT": "9",
        }
    )
    assert settings == Settings(
        token=TOKEN,
        engine=EngineSettings(Path("/data"), device="cuda", network="afhqdog", compiled=True),
        api_url="http://127.0.0.1:8081",
        admins=frozenset({1, 22}),
        webhook=Webhook("https://pets.example", "s3cret", 443),
        retention_days=7,
        metrics_port=9000,
        daily_limit=5,
        group_daily_limit=9,
    )
    assert settings.home == Path("/data")


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read(
            {
                "THROWBACK_API_URL": "telegram",
                "THROWBACK_DEVICE": "tpu",
                "THROWBACK_COMPILE": "yes",
                "THROWBACK_ENGINE": "ray://head",
                "THROWBACK_LOG": "loud",
                "THROWBACK_ADMINS": "me",
                "THROWBACK_WEBHOOK_URL": "http://pets.example",
                "THROWBACK_WEBHOOK_PORT": "99999",
                "THROWBACK_RETENTION_DAYS": "0",
                "THROWBACK_METRICS_PORT": "x",
            }
        )
    complained = {line.split()[0].removeprefix("THROWBACK_") for line in str(caught.value).splitlines()}
    assert complained == {
        *("TOKEN", "API_URL", "DEVICE", "COMPILE", "ENGINE", "LOG", "ADMINS", "WEBHOOK_URL", "WEBHOOK_SECRET"),
        *("WEBHOOK_PORT", "RETENTION_DAYS", "METRICS_PORT"),
    }


@pytest.mark.parametrize("secret", ["pässword", "two words", "x" * 257])
def test_a_secret_that_telegram_does_not_take_is_named(secret: str) -> None:
    webhook = {"THROWBACK_WEBHOOK_URL": "https://pets.example", "THROWBACK_WEBHOOK_SECRET": secret}
    with pytest.raises(SettingsError, match="THROWBACK_WEBHOOK_SECRET must have"):
        Settings.read({"THROWBACK_TOKEN": TOKEN, **webhook})


def test_the_token_is_never_shown() -> None:
    assert TOKEN not in repr(Settings.read({"THROWBACK_TOKEN": TOKEN}))
    with pytest.raises(SettingsError) as caught:
        Settings.read({"THROWBACK_TOKEN": "wrong-" + TOKEN})
    assert TOKEN not in str(caught.value)


def test_a_misspelt_variable_is_said_and_others_ones_are_not() -> None:
    environment = {"THROWBACK_NETWROK": "mine", "THROWBACK_PORT": "tcp://10.0.0.1:80", "THROWBACK_HOME": "/data"}
    assert misspelt_variables(environment) == ["THROWBACK_NETWROK is no setting; did you mean THROWBACK_NETWORK?"]
