"""`terrarium account` on a real database, beside a server that serves it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ltx2_server import main
from runtime_config.constants import SERVER_FILE
from services.account_store.sql_account_stores import SqlAccountStores
from services.database.shared_database import SharedDatabase
from services.password_hasher.argon2_password_hasher import Argon2PasswordHasher
from tests.people import PASSWORD, people_server
from tests.waiting import deadline_s

if TYPE_CHECKING:
    from pathlib import Path


def command(data_dir: Path, *arguments: str) -> str:
    """What the command says, in a process of its own."""
    line = [sys.executable, str(SERVER_FILE), "account", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=deadline_s()).stdout


def test_a_forgotten_password_is_replaced_beside_a_running_server(tmp_path: Path) -> None:
    database = SharedDatabase(tmp_path / "terrarium.sqlite")
    with people_server(stores=SqlAccountStores(database), hasher=Argon2PasswordHasher()) as here:
        owner = here.owner("Ann")
        with owner.play() as client:
            client.start()
            assert command(tmp_path, "list").startswith("Ann  owner  last seen 2")
            said = command(tmp_path, "reset", "ann")
            password = said.splitlines()[0].removeprefix("The new password of Ann: ")
            assert len(password) >= 20
            assert client.closed() == (1008, "signInRequired"), "the server looks again by itself"
        assert owner.http.get("/api/models").status_code == 401
        assert owner.sign_in("Ann", PASSWORD).status_code == 401
        assert owner.sign_in("Ann", password).status_code == 200
    database.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list"], "Nobody has an account here."),
        (["reset", "Ann"], "Nobody has an account here."),
        ([], "The following arguments are required"),
        (["promote", "Ann"], "Invalid choice"),
        (["reset"], "The following arguments are required: name"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    folder = ["--data-dir", str(tmp_path)] if arguments and arguments[0] in ("list", "reset") else []
    assert main(["account", *arguments, *folder]) == 2
    assert sentence.lower() in capsys.readouterr().err.lower()
    assert not list(tmp_path.glob("*.sqlite")), "asking makes no database"


def test_a_name_that_nobody_has_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = SharedDatabase(tmp_path / "terrarium.sqlite")
    with people_server(stores=SqlAccountStores(database)) as here:
        here.owner("Ann")
        assert main(["account", "reset", "Eve", "--data-dir", str(tmp_path)]) == 2
        assert "Nobody here is called Eve." in capsys.readouterr().err
        assert here.browser().sign_in("Ann").status_code == 200
    database.close()
