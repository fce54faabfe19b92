"""Engines are found by the entry points of packages, and a broken one takes nothing else with it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from runtime_config.constants import PROJECT_DIR
from runtime_config.runtime_config import AccessConfig, MossConfig, RuntimeConfig
from services.world_engine.catalogue import WorldEngineCatalogue
from services.world_engine.engine_card import EngineCard, ModelLoadError
from services.world_engine.plugins.card_reader import NoCard, read_cards
from services.world_engine.plugins.discovery import InstalledEngines
from services.world_engine.plugins.entry_points import EnginePoint, built_in_points

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = "tests.services.world_engine.plugins.packages"
BROKEN = {
    "raising:Engine": "could not be imported: it raised ValueError",
    "needing:Engine": "needs the Python module no_such_module_anywhere, which is not installed",
    "ending:Engine": "ended the process that did it",
    "whole:NoCard": "has no `card`",
    "wrong_card:WrongType": "fps: Input should be a valid integer",
    "wrong_card:WrongId": "owner/name",
}


def point(value: str) -> EnginePoint:
    return EnginePoint("other-package", value.replace(":", " "), f"{PACKAGES}.{value}")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RuntimeConfig:
    return RuntimeConfig(data_dir=tmp_path_factory.mktemp("data"), access=AccessConfig())


@pytest.fixture(name="engines", scope="module")
def fixture_engines() -> InstalledEngines:
    """The engines of this checkout, and a package of each kind."""
    return InstalledEngines(foreign=[point(value) for value in ("whole:Whole", "whole:SameId", *BROKEN)])


def test_built_in_engines_come_first_and_the_diorama_before_all(
    engines: InstalledEngines, config: RuntimeConfig
) -> None:
    ids = [entry.model_id for entry in engines.entries(config)]
    built_in = len(built_in_points())
    assert ids[:2] == ["terrarium/diorama", "terrarium/still"]
    assert {"terrarium/moss", "terrarium/simulator"} < set(ids[:built_in])
    assert ids[built_in] == "other/whole"


def test_an_engine_of_another_package_is_offered_as_its_card_says(
    engines: InstalledEngines, config: RuntimeConfig
) -> None:
    catalogue = WorldEngineCatalogue(engines.entries(config))
    whole = catalogue.find("other/whole")
    assert whole is not None
    assert whole.is_ready
    assert (whole.title, whole.licence, whole.quants, whole.placement) == ("Whole", "MIT", ("none",), "cpu")
    assert whole.control_ms == pytest.approx(1000 / 30)
    assert catalogue.best_for("meadows") is whole
    assert "tests.services.world_engine.plugins.packages.whole" not in sys.modules, "its package was imported elsewhere"


@pytest.mark.parametrize(("value", "said"), BROKEN.items(), ids=BROKEN)
def test_a_broken_one_is_offered_with_a_sentence(
    engines: InstalledEngines, config: RuntimeConfig, value: str, said: str
) -> None:
    entry = {entry.title: entry for entry in engines.entries(config)}[value.replace(":", " ")]
    assert not entry.is_ready
    assert said in entry.description
    assert "secret" not in entry.description
    with pytest.raises(ModelLoadError, match="package") as refused:
        entry.load("none", lambda _: None)
    assert str(refused.value) == entry.missing


def test_an_id_is_given_once_and_built_in_engines_keep_theirs(engines: InstalledEngines, config: RuntimeConfig) -> None:
    entries = engines.entries(config)
    assert [entry.title for entry in entries if entry.model_id == "terrarium/diorama"] == ["Diorama"]
    second = next(entry for entry in entries if entry.title == "whole SameId")
    assert "calls its engine terrarium/diorama, which is Diorama" in (second.missing or "")


def test_an_import_that_never_ends_is_given_up() -> None:
    cards = read_cards([point("hanging:Engine")], limit_s=0.5)
    assert cards == (NoCard("Importing the package other-package did not end within 0 s."),)


def test_what_a_package_prints_is_no_output_of_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    assert isinstance(read_cards([point("whole:Whole")])[0], EngineCard)
    assert "Hello" not in capfd.readouterr().out


def test_an_engine_that_settings_did_not_change_keeps_its_entry(
    engines: InstalledEngines, config: RuntimeConfig, tmp_path: Path
) -> None:
    """Otherwise it would be loaded again."""
    before, again = engines.entries(config), engines.entries(config)
    assert all(one is other for one, other in zip(before, again, strict=True))
    other_moss = RuntimeConfig(data_dir=config.data_dir, access=config.access, moss=MossConfig(weights=tmp_path))
    after = engines.entries(other_moss)
    assert [new.model_id for old, new in zip(before, after, strict=True) if new is not old] == ["terrarium/moss"]


def test_the_log_warns_of_broken_engines_and_not_of_those_that_nobody_has_pulled(config: RuntimeConfig) -> None:
    engines = InstalledEngines(foreign=[point("raising:Engine")])
    with capture_logs() as logs:
        entries = engines.entries(config)
    assert any(entry.not_pulled() is not None for entry in entries)
    assert [log["engine"] for log in logs] == [entry.model_id for entry in entries if entry.title == "raising Engine"]


# --------------------------------------------------------------------------------------------- where they are looked up


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout that lists other engines than the installed package."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "terrarium"\n[project.entry-points."terrarium.engines"]\nnew = "a:New"\ndiorama = "b:D"\n',
        encoding="utf-8",
    )
    return tmp_path


def test_a_checkout_goes_by_its_own_list(project: Path) -> None:
    assert built_in_points(project) == (
        EnginePoint("terrarium", "diorama", "b:D"),
        EnginePoint("terrarium", "new", "a:New"),
    )


def test_other_packages_are_found_by_their_metadata(tmp_path: Path) -> None:
    for package, points in {
        "lantern": "[terrarium.engines]\nlantern = lantern_engine:Lantern\n[console_scripts]\nlantern = a:b\n",
        "terrarium": "[terrarium.engines]\nold = a:Old\n",
        "unrelated": "[console_scripts]\nx = a:b\n",
    }.items():
        folder = tmp_path / f"{package}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(points, encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from services.world_engine.plugins.entry_points import built_in_points, foreign_points\n"
        "from pathlib import Path\n"
        "print([point for point in foreign_points() if point.package == 'lantern'])\n"
        "print([point.name for point in foreign_points() if point.package in ('terrarium', 'unrelated')])\n"
        f"print(built_in_points(Path({str(tmp_path)!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    lantern, none, installed = done.stdout.splitlines()
    assert lantern == "[EnginePoint(package='lantern', name='lantern', value='lantern_engine:Lantern')]"
    assert none == "[]"
    assert installed == "(EnginePoint(package='terrarium', name='old', value='a:Old'),)"
