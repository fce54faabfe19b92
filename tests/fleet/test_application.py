"""fleet.yaml as Ray Serve itself reads it: what `serve deploy` does with it before anything starts."""

from __future__ import annotations

from importlib import import_module
from pkgutil import resolve_name
from typing import Any, cast

import pytest
import yaml

from tests.browser.server_process import ROOT
from tests.trials.fleet_harness import require_ray


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own models
def test_ray_takes_the_plan_for_a_cluster_and_builds_the_application() -> None:
    require_ray()
    schema = cast("Any", import_module("ray.serve.schema"))
    written = (ROOT / "fleet" / "fleet.yaml").read_text(encoding="utf-8")
    plan = schema.ServeDeploySchema.model_validate(yaml.safe_load(written))
    assert (plan.proxy_location, plan.http_options.port) == ("EveryNode", 7987)
    (application,) = plan.applications
    deployment = resolve_name(application.import_path)(application.args)._bound_deployment
    assert (deployment.name, deployment.ray_actor_options) == ("terrarium", {"num_cpus": 4.0, "num_gpus": 1.0})
