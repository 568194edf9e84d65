"""What package indexes are told is true, and complete where they show it."""

import re
import tomllib

from tests.test_imports import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_every_licence_is_named_and_comes_along() -> None:
    assert set(PROJECT["license"].split(" AND ")) == {"MIT", "CC-BY-SA-4.0", "OFL-1.1", "BSD-2-Clause"}
    assert all(list(ROOT.glob(pattern)) for pattern in PROJECT["license-files"])
    fonts = {path.name for path in ROOT.glob("engine/fonts/*-OFL.txt")} | {"emoji-OFL.txt"}
    named = {path.name for pattern in PROJECT["license-files"] for path in ROOT.glob(pattern)}
    assert fonts <= named


def test_pythons_are_those_that_are_checked() -> None:
    named = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.", one)}
    checked = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    assert checked is not None and named == set(re.findall(r"3\.\d+", checked[1]))
    assert f"Python {min(named)} to {max(named)}" in (ROOT / "README.md").read_text("utf-8")


def test_package_page_needs_no_file_beside_it() -> None:
    page = (ROOT / PROJECT["readme"]).read_text("utf-8")
    assert not [target for target in re.findall(r"\]\(([^)]*)\)", page) if "://" not in target]
