import io
import re

from engine.commands.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_moves_on_a_terminal() -> None:
    terminal = Terminal()
    bar = ProgressBar("afhqdog", stream=terminal)
    bar(0, 1_000_000_000)
    bar(1_000_000_000, 1_000_000_000)
    bar.close()
    shown = terminal.getvalue()
    assert shown.count("\r") >= 2 and shown.count("\n") == 1
    assert re.search(r"\rafhqdog +0 %  0\.00 of 1\.00GB", shown)
    assert re.search(r"\rafhqdog \S{30} 100 %  1\.00G of 1\.00GB", shown)


def test_says_one_line_in_a_log() -> None:
    log = io.StringIO()
    bar = ProgressBar("afhqdog", stream=log)
    for done in range(1001):
        bar(done, 1000, "still learning")
    assert log.getvalue() == ""
    bar.close()
    assert re.fullmatch(r"afhqdog \S+ 100 %  1\.00k of 1\.00kB, .*, still learning\n", log.getvalue())


def test_an_unknown_length_is_told_without_a_bar() -> None:
    log = io.StringIO()
    bar = ProgressBar("afhqdog", stream=log)
    bar(0, None)
    bar(64 << 20, None)
    bar.close()
    assert re.fullmatch(r"afhqdog 67\.1MB, .*B/s\n", log.getvalue())


def test_nothing_is_said_of_what_never_began() -> None:
    log = io.StringIO()
    ProgressBar("afhqdog", stream=log).close()
    assert log.getvalue() == ""
