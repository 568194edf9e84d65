"""The engine's settings, as variables and back."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from engine import ClusterSettings, EngineSettings, SettingsError, child_environment, engine_settings

HERE = {"THROWBACK_HOME": "/data"}


@pytest.mark.parametrize(
    ("variables", "cluster"),
    [
        ({}, None),
        ({"THROWBACK_ENGINE": "local", "THROWBACK_REPLICAS": "2"}, None),
        ({"THROWBACK_ENGINE": "ray"}, ClusterSettings()),
        ({"THROWBACK_ENGINE": "ray", "THROWBACK_REPLICAS": "3"}, ClusterSettings(replicas=(3, 3))),
        (
            {"THROWBACK_ENGINE": "ray://h:10001", "THROWBACK_REPLICAS": "1-9", "THROWBACK_REPLICA_GPUS": "0.25"},
            ClusterSettings("ray://h:10001", (1, 9), 0.25),
        ),
    ],
)
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'throwback[ray]'")
def test_where_the_engine_runs(variables: dict[str, str], cluster: ClusterSettings | None) -> None:
    settings = engine_settings(HERE | variables)
    assert settings.cluster == cluster
    assert engine_settings(child_environment({}, settings)) == settings  # what its processes read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINE", "ray://h"),
        ("ENGINE", "http://h:10001"),
        ("REPLICAS", "0"),
        ("REPLICAS", "4-2"),
        ("REPLICAS", "many"),
        ("REPLICA_GPUS", "-1"),
        ("REPLICA_GPUS", "nan"),
        ("CORES", "0"),
        ("CORES", "1.5"),
    ],
)
def test_what_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^THROWBACK_{name} must [^\n]*$"):
        engine_settings(HERE | {f"THROWBACK_{name}": value})


def test_without_ray_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.settings.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'throwback\[ray\]'"):
        engine_settings(HERE | {"THROWBACK_ENGINE": "ray"})
    assert engine_settings(HERE) == EngineSettings(Path("/data"))
