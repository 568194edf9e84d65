"""The engine from Python, in this process: what the README shows, and every kind of photo and answer."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import EngineFault, PhotoError, PhotoReason, Progress, Rejuvenated, Rejuvenator, Species
from engine.vision.cropping import SIDE
from tests.engine.tiny import NAME, drawn_photo, store_tiny_network

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    store_tiny_network(home)
    return home


@pytest.fixture(scope="module")
def rejuvenator(home: Path) -> Rejuvenator:
    return Rejuvenator(device="cpu", home=home, network=NAME)


@pytest.fixture(scope="module")
def photo() -> bytes:
    return drawn_photo(side=512)


@pytest.fixture(scope="module")
def young(rejuvenator: Rejuvenator, photo: bytes) -> Rejuvenated:
    return rejuvenator.rejuvenate(photo, breed="samoyed")


def difference(first: Image.Image, second: Image.Image) -> float:
    """Mean absolute difference, in levels of 255."""
    return float(np.abs(np.asarray(first, float) - np.asarray(second, float)).mean())


def test_the_readme_s_lines_do_what_they_say(tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"### From Python\n+```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path / "home"))
    Path("mochi.jpg").write_bytes(photo)  # a PNG; what counts is what is in it
    exec(found.group(1), {})
    assert Path("film.mp4").read_bytes()[4:8] == b"ftyp"
    with Image.open("older.jpg") as older, Image.open("card.jpg") as card:
        assert older.width == older.height >= SIDE
        assert min(card.size) > SIDE


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [("import engine", {"torch", "PIL", "numpy"}), ("from engine import Rejuvenator", {"torch"})],
)
def test_importing_loads_nothing_heavy(statement: str, heavy: set[str]) -> None:
    program = f"import sys; {statement}; print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(ImportError, match="Rejuvenater"):
        exec("from engine import Rejuvenater")


def test_everything_is_made_and_another_age_needs_only_the_state(rejuvenator: Rejuvenator, young: Rejuvenated) -> None:
    assert young.whole.size == (512, 512)
    assert young.film[4:8] == b"ftyp"
    again, now = (rejuvenator.at_age(young.state, age) for age in (1.0, 0.0))
    assert difference(again.still, young.still) < 3 < difference(now.still, young.still)
    assert again.state == young.state


def test_a_photo_may_be_a_path_its_bytes_or_a_picture(
    rejuvenator: Rejuvenator, photo: bytes, young: Rejuvenated, tmp_path: Path
) -> None:
    file = tmp_path / "pet.png"
    file.write_bytes(photo)
    for same in (file, str(file), Image.open(io.BytesIO(photo))):
        found = rejuvenator.recognise(same)
        assert (found.pet, found.species, len(found.heads)) == (True, Species.DOG, 1)
        assert (found.width, found.height) == (512, 512)
    with Image.open(file) as upright:
        picture = upright.rotate(90, expand=True)
    picture.getexif()[0x0112] = 6  # as a camera held upright stores it
    assert difference(rejuvenator.rejuvenate(picture, breed="samoyed").still, young.still) < 3


def test_with_a_baby_photo_the_true_pet_is_beside_the_one_foretold(rejuvenator: Rejuvenator, photo: bytes) -> None:
    baby = drawn_photo("tabby", side=512)
    seen: list[Progress] = []
    together = rejuvenator.rejuvenate(photo, breed="samoyed", baby=baby, on_progress=seen.append)
    side = together.still.height
    assert together.still.width > 2 * side >= 2 * SIDE
    true, foretold = (together.still.crop((left, 0, left + side, side)) for left in (0, together.still.width - side))
    with Image.open(io.BytesIO(baby)) as picture:
        assert difference(true, picture.resize(true.size)) < difference(foretold, picture.resize(true.size))
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions) and fractions[-1] > 0.8


def test_what_cannot_be_used_is_said(rejuvenator: Rejuvenator, photo: bytes) -> None:
    with pytest.raises(PhotoError) as caught:
        rejuvenator.rejuvenate(photo, baby=b"no picture")
    assert (caught.value.reason, caught.value.which) == (PhotoReason.NOT_AN_IMAGE, "baby_photo")
    with pytest.raises(PhotoError) as caught:
        rejuvenator.rejuvenate(Image.new("RGB", (300, 300)))
    assert caught.value.reason is PhotoReason.NO_PET
    with pytest.raises(EngineFault, match="damaged"):
        rejuvenator.at_age(b"no state", 1.0)
    with pytest.raises(ValueError, match="breeds"):
        rejuvenator.rejuvenate(photo, breed="unicorn")
    with pytest.raises(FileNotFoundError):
        rejuvenator.recognise("there is no such file.jpg")
