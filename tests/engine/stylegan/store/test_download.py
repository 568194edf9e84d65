from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path

import pytest

from engine.errors import NetworkError
from engine.stylegan.store import download as module
from engine.stylegan.store.download import ATTEMPTS, Checksum, download
from tests.engine.stylegan.store.file_server import serve

DATA = bytes(range(256)) * 4_000  # 1 MB
SHA256 = sha256(DATA).hexdigest()
KNOWN = Checksum(SHA256)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "network.pkl"


def fetch(
    address: str,
    target: Path,
    checksum: Checksum = KNOWN,
    report: Callable[[int, int | None], None] = lambda done, total: None,
    wait: Callable[[float], None] = lambda seconds: None,
) -> str:
    return download(f"{address}network.pkl", target, checksum, report=report, wait=wait)


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_fetches_a_file_whole(target: Path) -> None:
    reports: list[tuple[int, int | None]] = []
    with serve(DATA) as server:
        assert fetch(server.address, target, report=lambda done, total: reports.append((done, total))) == SHA256
    assert target.read_bytes() == DATA
    assert names(target) == ["network.pkl"]
    assert reports[0] == (0, len(DATA)) and reports[-1] == (len(DATA), len(DATA))
    assert reports == sorted(reports)


def test_goes_on_where_the_connection_broke_off(target: Path) -> None:
    waits: list[float] = []
    with serve(DATA, drop_after=[100_000, 0, 300_000]) as server:
        fetch(server.address, target, wait=waits.append)
        assert server.requests == [None, "bytes=100000-", "bytes=100000-", "bytes=400000-"]
    assert target.read_bytes() == DATA
    assert len(waits) == 3 and max(waits) < 10


def test_starts_over_where_the_server_knows_no_ranges(target: Path) -> None:
    with serve(DATA, ranges=False, drop_after=[100_000]) as server:
        fetch(server.address, target)
        assert server.requests == [None, "bytes=100000-"]
    assert target.read_bytes() == DATA


def test_goes_on_in_a_later_run(target: Path) -> None:
    drops = [500_000] + [0] * ATTEMPTS
    with serve(DATA, drop_after=drops) as server, pytest.raises(NetworkError, match="broke off"):
        fetch(server.address, target)
    assert not target.exists()
    with serve(DATA) as server:
        fetch(server.address, target)
        assert server.requests == ["bytes=500000-"]
    assert target.read_bytes() == DATA
    assert names(target) == ["network.pkl"]


def test_starts_over_when_the_file_has_changed_meanwhile(target: Path) -> None:
    with serve(b"x" * len(DATA), drop_after=[500_000] + [0] * ATTEMPTS) as server, pytest.raises(NetworkError):
        fetch(server.address, target)
    with serve(DATA, etag='"two"') as server:
        fetch(server.address, target)
    assert target.read_bytes() == DATA


def test_a_file_that_was_whole_already_is_taken(target: Path) -> None:
    target.with_name("network.pkl.part").write_bytes(DATA)
    with serve(DATA) as server:
        assert fetch(server.address, target) == SHA256
    assert target.read_bytes() == DATA


def test_a_part_longer_than_the_file_is_thrown_away(target: Path) -> None:
    target.with_name("network.pkl.part").write_bytes(DATA + b"more")
    with serve(DATA) as server:
        fetch(server.address, target)
    assert target.read_bytes() == DATA


def test_retries_while_the_server_is_troubled(target: Path) -> None:
    waits: list[float] = []
    with serve(DATA, statuses=[503, 429, 500]) as server:
        fetch(server.address, target, wait=waits.append)
    assert target.read_bytes() == DATA
    assert waits[0] < waits[1] < waits[2]


def test_gives_up_in_the_end(target: Path) -> None:
    with serve(DATA, statuses=[503] * 100) as server:
        with pytest.raises(NetworkError, match=r"the server answered 503\. Try again later"):
            fetch(server.address, target)
        assert len(server.requests) == ATTEMPTS


def test_gives_up_on_a_server_that_is_not_there(target: Path) -> None:
    with serve(DATA) as server:
        address = server.address
    with pytest.raises(NetworkError, match="cannot be reached"):
        fetch(address, target)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_not_asked_for_again(target: Path, status: int) -> None:
    with serve(DATA, statuses=[status]) as server:
        with pytest.raises(NetworkError, match=f"the server answered {status}"):
            fetch(server.address, target)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "checksum",
    [Checksum(sha256="0" * 64), Checksum(md5="0" * 32), Checksum(SHA256, "0" * 32)],
    ids=["sha", "md5", "both"],
)
def test_a_wrong_checksum_keeps_nothing(target: Path, checksum: Checksum) -> None:
    with serve(DATA) as server, pytest.raises(NetworkError, match="is not the file it should be"):
        fetch(server.address, target, checksum)
    assert names(target) == []


@pytest.mark.parametrize("checksum", [Checksum(), Checksum(md5=md5(DATA).hexdigest())], ids=["unknown", "md5"])
def test_gives_the_sha256_of_what_came(target: Path, checksum: Checksum) -> None:
    with serve(DATA) as server:
        assert fetch(server.address, target, checksum) == SHA256


def test_a_server_that_does_not_tell_the_length(target: Path) -> None:
    reports: list[tuple[int, int | None]] = []
    with serve(DATA, lengths=False) as server:
        fetch(server.address, target, report=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (len(DATA), None)


@pytest.mark.parametrize("lengths", [True, False])
def test_a_file_beyond_the_bound_is_left(target: Path, monkeypatch: pytest.MonkeyPatch, lengths: bool) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", len(DATA) - 1)
    with serve(DATA, lengths=lengths) as server, pytest.raises(NetworkError, match="larger than"):
        fetch(server.address, target)


def test_follows_a_redirection(target: Path) -> None:
    with serve(DATA) as server, serve(b"", redirect=f"{server.address}elsewhere") as first:
        fetch(first.address, target)
    assert target.read_bytes() == DATA


def test_endless_redirections_end(target: Path) -> None:
    with serve(b"", redirect="/again") as server, pytest.raises(NetworkError, match="could not be fetched"):
        fetch(server.address, target)


@pytest.mark.parametrize("address", ["http://example.org/", "ftp://example.org/", "nowhere", "https://h:port/", ""])
def test_only_https_is_spoken(target: Path, address: str) -> None:
    with pytest.raises(NetworkError, match="no https address"):
        fetch(address, target)
