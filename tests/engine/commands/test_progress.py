import io

from engine.commands.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_moves_on_a_terminal() -> None:
    terminal = Terminal()
    bar = ProgressBar("afhqdog", terminal)
    for done in range(0, 1001, 250):
        bar(done * 1_000_000, 1_000_000_000)
    bar.close()
    shown = terminal.getvalue()
    assert shown.count("\r") == 5 and shown.count("\n") == 1
    assert "afhqdog ███████·······················  25 %  250 of 1000 MB" in shown
    assert "100 %" in shown


def test_speaks_up_every_tenth_in_a_log() -> None:
    log = io.StringIO()
    bar = ProgressBar("afhqdog", log)
    for done in range(1001):
        bar(done, 1000)
    bar.close()
    lines = log.getvalue().splitlines()
    assert 10 <= len(lines) <= 12
    assert "100 %" in lines[-1] and "\r" not in log.getvalue()


def test_an_unknown_length_is_told_in_megabytes() -> None:
    log = io.StringIO()
    bar = ProgressBar("afhqdog", log)
    bar(0, None)
    bar(64 << 20, None)
    assert log.getvalue().splitlines() == ["afhqdog 0 MB", "afhqdog 67 MB"]
