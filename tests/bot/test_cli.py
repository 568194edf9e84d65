"""The command line's contract: exit statuses, what goes where, and never a traceback."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bot import cli
from bot.commands import render
from bot.commands.output import SENTENCES, explain
from engine import EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason

ROOT = Path(__file__).parents[2]


def test_help_names_every_command_and_loads_none() -> None:
    program = (
        "import sys\nfrom bot.cli import main\nstatus = main(['--help'])\n"
        "print([name for name in sys.modules if name.startswith('bot.commands.')], file=sys.stderr)\nsys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert all(f"\n    {name}" in done.stdout for name in (*cli.COMMANDS, *cli.ENGINE_COMMANDS))
    assert done.stderr.strip() == "['bot.commands.output']"


def test_without_a_command_it_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    said = capsys.readouterr()
    assert "usage: throwback" in said.out and "playground" in said.out
    assert said.err == ""


def test_it_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"throwback {version('throwback')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["render"],
        ["recognise"],
        ["render", "photo.jpg", "--age", "many"],
        ["render", "photo.jpg", "--age", "nan"],
        ["render", "photo.jpg", "--age", "100"],
        ["render", "photo.jpg", "--head", "0"],
        ["render", "photo.jpg", "--breed", "xyzzyxyzzy"],
        ["bench", "latency", "--count", "0"],
        ["bench", "throughput", "--people", "1", "0"],
        ["bench", "bot", "--chats", "-1"],
        ["bench", "pictures", "--count", "few"],
        ["playground", "--port", "65536"],
        ["doctor", "--frobnicate"],
    ],
)
def test_a_bad_command_line_is_2_and_says_why(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert "usage: throwback" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "status"), [(["networks", "--help"], 0), (["ages", "learn", "--help"], 0), (["networks", "frob"], 2)]
)
def test_help_and_mistakes_of_engine_commands_start_no_engine(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "run_engine", lambda _: pytest.fail("torch would be loaded"))
    assert cli.main(arguments) == status
    assert "usage: throwback" in "".join(capsys.readouterr())


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["net"], "networks"), (["networks", "pull", ""], "afhqcat"), (["render", "--bre"], "--breed")],
)
def test_a_shell_completes_commands_names_and_options(
    typed: list[str], offered: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["completion", "bash"]) == 0
    script = tmp_path / "throwback"
    script.write_text(capsys.readouterr().out)
    words = " ".join(f"'{word}'" for word in ["throwback", *typed])
    asked = f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _shtab_throwback; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", asked], capture_output=True, check=True, text=True)
    assert offered in done.stdout.split()


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        (["--host", "0.0.0.0"], 1, "every address of this machine"),
        (["--host", "8.8.8.8"], 1, "a public address"),
        (["--certificate", "x.pem"], 2, "--host lets them in"),
        (["--key", "x.pem"], 2, "needs the --certificate"),
        (["--host", "127.0.0.2", "--certificate", "/nowhere/x.pem"], 1, "cannot be used (No such file"),
    ],
)
def test_the_playground_is_open_to_local_networks_alone(
    options: list[str],
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path))
    assert cli.main(["playground", "--no-browser", "--port", "0", *options]) == status
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_a_bad_engine_command_line_is_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "frobnicate"], capture_output=True, check=False, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


@pytest.mark.parametrize("name", ["nothing.jpg", "\0", "x" * 5000], ids=["absent", "an impossible name", "too long"])
def test_a_photo_that_is_not_there_is_3(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / name) if "\0" not in name else name
    assert cli.main(["render", path, "--json"]) == 3
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1])["error"] == "missing"
    assert len(said.err.splitlines()) == 1


def test_a_file_beyond_all_bounds_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    assert cli.main(["render", str(huge), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"] == "too_large"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("THROWBACK_DEVICE", "abacus", "THROWBACK_DEVICE must be one of auto, cpu, cuda, not 'abacus'"),
        ("THROWBACK_COMPILE", "perhaps", "THROWBACK_COMPILE must be 0 or 1, not 'perhaps'"),
    ],
)
def test_a_wrong_variable_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    assert cli.main(["recognise", __file__]) == 1
    assert capsys.readouterr().err == f"throwback: {sentence}\n"


def test_all_that_is_wrong_for_the_bot_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("THROWBACK_TOKEN", raising=False)
    monkeypatch.setenv("THROWBACK_ADMINS", "everybody")
    assert cli.main(["run"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["THROWBACK_ADMINS", "THROWBACK_TOKEN"]


def test_an_unforeseen_error_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: object) -> int:
        raise LookupError("/home/secret")

    monkeypatch.setattr(render, "run", fail)
    assert cli.main(["render", "photo.jpg"]) == 1
    said = capsys.readouterr().err
    assert "LookupError" in said
    assert "secret" not in said


def test_a_reader_that_has_gone_away_is_no_traceback() -> None:
    program = "import sys\nfrom bot.commands.output import emit\nimport bot.cli\n"
    program += "bot.cli._dispatch = lambda arguments: [emit({'x': 'y' * 9999}) for _ in range(999)]\n"
    program += "sys.exit(bot.cli.main(['x']))"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(60) == 1


def test_every_reason_has_a_sentence_and_a_status() -> None:
    assert set(SENTENCES) == set(PhotoReason)
    for reason in PhotoReason:
        error = explain(PhotoError(reason), "a.jpg")
        assert (error.code, str(error), error.status) == (reason.value, f"a.jpg: {SENTENCES[reason]}", 3)
    assert explain(EngineStopped("x")).status == explain(EngineFault("ValueError")).status == 1
    assert "ValueError" in str(explain(EngineFault("ValueError")))
    assert str(explain(OperatorError("there is no such network"))) == "there is no such network"
