import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.commands.networks import main
from engine.stylegan.generator import Generator
from engine.stylegan.store import STORYBOOK, NetworkStore
from tests.engine.stylegan.store.file_server import serve
from tests.engine.stylegan.store.official_files import SMALL, official, write
from tests.shared import SHARED, needs_shared


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return write(tmp_path / "Mine.pkl", official(Generator(SMALL).requires_grad_(False)))


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[dict[str, Any], str]:
    """Run with --json; the object on stdout's last line, and what was said to people."""
    assert main([*arguments, "--json"]) == status
    output = capsys.readouterr()
    return json.loads(output.out.splitlines()[-1]), output.err


def test_the_way_of_a_network(capsys: pytest.CaptureFixture[str], file: Path, home: Path) -> None:
    imported, words = answer(capsys, "import", str(file), "--species", "cat")
    assert imported["name"] == "mine"
    assert imported["resolution"] == 16
    assert imported["species"] == ["cat"]
    assert "mine is stored: 16 px, cat" in words

    listed, words = answer(capsys, "list")
    assert [network["name"] for network in listed["networks"]] == [STORYBOOK, "mine"]
    assert listed["networks"][1] == imported
    assert listed["published"] == ["afhqdog", "afhqcat", "afhqwild", "vgg16"]
    assert listed["extractor"] == "efficientnet-lite0"
    assert "efficientnet-lite0 (embedded)" in words

    assert answer(capsys, "verify")[0]["verified"] == [STORYBOOK, "mine"]
    assert answer(capsys, "remove", "mine")[0] == {"removed": "mine"}
    assert [network["name"] for network in answer(capsys, "list")[0]["networks"]] == [STORYBOOK]


def test_without_json_nothing_is_on_stdout(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    assert main(["import", str(file), "--name", "own"]) == 0
    assert main(["list"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "own" in output.err and "only when named" in output.err


def test_a_failure_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])
    result, words = answer(capsys, "import", str(file), status=1)
    assert result == {"error": "network", "message": "Mine.pkl is cut off, or no network file."}
    assert words == "throwback: Mine.pkl is cut off, or no network file.\n"


@pytest.mark.parametrize(
    "arguments", [[], ["fetch"], ["pull", "afhqbird"], ["import"], ["import", "x", "--species", "cow"], ["remove"]]
)
def test_a_bad_command_line_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: throwback networks" in capsys.readouterr().err


def test_verify_names_what_has_changed(capsys: pytest.CaptureFixture[str], file: Path, home: Path) -> None:
    main(["import", str(file), "--name", "good"])
    main(["import", str(file), "--name", "bad"])
    weights = home / "networks" / "bad" / "bad.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    result, words = answer(capsys, "verify", status=1)
    assert result["verified"] == [STORYBOOK, "good"]
    assert list(result["failed"]) == ["bad"]
    assert "good: as it was stored" in words and "bad.safetensors" in words


def test_a_damaged_network_is_listed_as_such(capsys: pytest.CaptureFixture[str], file: Path, home: Path) -> None:
    main(["import", str(file)])
    (home / "networks" / "mine" / "mine.json").write_text("{")
    listed, words = answer(capsys, "list")
    assert listed["networks"][1]["damaged"] is True
    assert "damaged" in words


@pytest.mark.parametrize("reply", ["y\n", "YES\n"])
def test_pull_shows_the_licence_and_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: Path, reply: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(reply))
    with serve(file.read_bytes()) as server:
        result, words = answer(capsys, "pull", "afhqcat", "--from", server.address)
    assert result["name"] == "afhqcat"
    for part in ("NVIDIA Source Code License", "CC BY-NC 4.0", "Do you accept? [y/N]", "100 %", "is ready"):
        assert part in words


@pytest.mark.parametrize("reply", ["", "\n", "n\n", "maybe\n"])
def test_pull_fetches_nothing_without_consent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path, reply: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(reply))
    with serve(b"") as server:
        result, _ = answer(capsys, "pull", "afhqcat", "--from", server.address, status=1)
        assert server.requests == []
    assert "not accepted" in result["message"]
    assert NetworkStore(home).names() == [STORYBOOK]


def test_pull_does_not_ask_who_has_accepted(capsys: pytest.CaptureFixture[str], file: Path, home: Path) -> None:
    with serve(file.read_bytes()) as server:
        _, words = answer(capsys, "pull", "afhqcat", "--accept-licence", "--from", server.address)
    assert "NVIDIA Source Code License" in words and "Do you accept" not in words
    assert NetworkStore(home).record("afhqcat").generator == SMALL


@needs_shared
def test_import_as_a_command_of_its_own(home: Path) -> None:
    file = SHARED / "parity" / "tiny32.pkl"
    command = [sys.executable, "-m", "engine", "networks", "import", str(file), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "tiny32"


def test_a_network_learns_to_guess_a_picture_at_a_glance(
    capsys: pytest.CaptureFixture[str], file: Path, home: Path
) -> None:
    answer(capsys, "import", str(file))
    trained, words = answer(capsys, "train-encoder", "mine", "--pictures", "1600")
    assert trained["pictures"] == 1600
    assert "mine has an encoder that explains" in words
    assert answer(capsys, "verify", "mine")[0]["verified"] == ["mine"]

    network = NetworkStore(home).load("mine")
    assert network.encoder is not None
    z = torch.randn(32, SMALL.z_dim, generator=torch.Generator().manual_seed(99))
    with torch.no_grad():
        ws = network.generator.mapping(z, torch.eye(SMALL.c_dim)[:1].expand(32, -1) if SMALL.c_dim else None)
        guessed = network.encoder(network.generator.synthesis(ws))
    missed = (guessed - ws[:, 0]).square().sum()
    assert missed < 0.5 * (network.statistics.mean - ws[:, 0]).square().sum()


def test_no_encoder_is_trained_where_there_is_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no network 'absent'" in answer(capsys, "train-encoder", "absent", status=1)[0]["message"]
    assert "trained along" in answer(capsys, "train-encoder", "storybook", status=1)[0]["message"]
    assert [network["name"] for network in answer(capsys, "list")[0]["networks"]] == [STORYBOOK]
