"""The fleet as an application of Ray Serve. `serve deploy fleet/fleet.yaml` and `terrarium fleet` build it here."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ray import serve

from fleet.plan import FleetPlan
from fleet.replica import FleetReplica

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ray.serve import Application


class _Replica(FleetReplica):
    """In the process that Ray starts for it."""

    def __init__(self, arguments: Sequence[str], folders: Path) -> None:
        replica: str = _ray_serve().get_replica_context().replica_id.unique_id
        super().__init__(arguments, folders, f"{socket.gethostname()[:40]}/{replica[:16]}")


def build(args: dict[str, Any]) -> Application:
    """The application, for `serve deploy` and `serve.run`. `args` are a `FleetPlan`.

    Raises:
        pydantic.ValidationError: they are none.
    """
    plan = FleetPlan.model_validate(args)
    api = _ray_serve()
    deployment = api.deployment(**plan.options())(api.ingress()(_Replica))
    return deployment.bind([*plan.arguments, "--max-sessions", str(plan.sessions)], plan.own_dirs)


def _ray_serve() -> Any:
    """Its functions are typed in part, which says less than nothing."""
    return serve
