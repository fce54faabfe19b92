"""`terrarium fleet` before anything starts: what it is asked for, and what each server is given."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

import pytest
import yaml
from pydantic import ValidationError

from fleet.command import run_fleet
from fleet.direct import free_port
from fleet.plan import DirectPlan, FleetPlan
from fleet.replica import free_folder
from fleet.routing_stats import load_of
from fleet.scaling import servers_needed
from runtime_config.launch_error import LaunchError
from tests.browser.server_process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PLAN = {"arguments": ["--shared-dir=/srv/terrarium"], "own_dirs": "/var/lib/terrarium"}


def test_a_fleet_needs_what_its_servers_share(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="--shared-dir and --database-url"):
        run_fleet(["--replicas", "2", "--own-dirs", str(tmp_path)])
    with pytest.raises(LaunchError, match="TERRARIUM_DATABASE_URL"):
        run_fleet(["--own-dirs", str(tmp_path / "own"), "--shared-dir", str(tmp_path / "shared")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", ["0", "-1", "2.5", "many", "4097", "٣"])
def test_a_number_of_servers_is_a_number(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run_fleet(["--replicas", count])
    assert refused.value.code == 2
    assert "no number from 1 to 4096" in capsys.readouterr().err


def test_a_plan_becomes_a_deployment() -> None:
    fixed = FleetPlan.model_validate({**PLAN, "replicas": 3, "sessions": 4, "gpus": 1, "drain_s": 30}).options()
    assert (fixed["num_replicas"], fixed["ray_actor_options"]["num_gpus"]) == (3, 1.0)
    assert fixed["graceful_shutdown_timeout_s"] > 30.0, "Ray leaves the time to sessions that they are promised"
    assert fixed["max_ongoing_requests"] >= 4
    growing = FleetPlan.model_validate({**PLAN, "replicas": 1, "max_replicas": 5, "sessions": 10}).options()
    scaling = growing["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 5)
    assert resolve_name(scaling["policy"]["policy_function"]) is servers_needed
    assert "num_replicas" not in growing


def test_players_reach_their_server_directly_unless_that_is_not_wanted() -> None:
    plan = FleetPlan.model_validate({**PLAN, "drain_s": 30, "direct_url": "wss://{host}.example.org:{port}"})
    direct = plan.direct_plan
    assert direct is not None
    assert direct.address("north", 41001) == "wss://north.example.org:41001"
    assert DirectPlan().address("2001:db8::7", 41001) == "ws://[2001:db8::7]:41001"
    assert FleetPlan.model_validate({**PLAN, "direct": False}).direct_plan is None
    assert FleetPlan.model_validate({**PLAN, "max_replicas": 2}).direct_plan is not None


@pytest.mark.parametrize("url", ["http://{host}", "ws://{host}/ws", "ws://{name}:1", "ws://{host.real}", "ws://a b"])
def test_an_address_of_servers_is_one(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_fleet(["--direct-url", url])
    assert "is not like ws://{host}:{port}" in capsys.readouterr().err


def test_a_server_takes_a_free_port_from_the_first_on() -> None:
    with free_port("127.0.0.1", 0) as taken:
        first = taken.getsockname()[1]
        with free_port("127.0.0.1", min(first, 65_000)) as other:
            assert other.getsockname()[1] != first


def test_a_plan_with_a_mistake_is_refused() -> None:
    for mistake in ({"replicas": 0}, {"sessions": 0}, {"drain_s": 0}, {"replica": 2}):
        with pytest.raises(ValidationError):
            FleetPlan.model_validate({**PLAN, **mistake})


def test_the_plan_for_a_cluster_can_be_read() -> None:
    (application,) = yaml.safe_load((ROOT / "fleet" / "fleet.yaml").read_text(encoding="utf-8"))["applications"]
    plan = FleetPlan.model_validate(application["args"])
    assert application["import_path"] == "fleet.application:build"
    assert (plan.replicas, plan.gpus) == (2, 1.0)


def test_each_server_has_a_folder_of_its_own(tmp_path: Path) -> None:
    with free_folder(tmp_path) as first, free_folder(tmp_path) as second:
        assert first != second
    with free_folder(tmp_path) as again:
        assert again == first


def test_what_a_replica_tells_is_its_load() -> None:
    told = load_of("a", {"sessions": 2, "max_sessions": 4, "models": ["terrarium/moss"]})
    assert (told.free, told.models) == (2, {"terrarium/moss"})
    assert load_of("new", {}).free == 1
