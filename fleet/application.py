"""The fleet as an application of Ray Serve. `serve deploy fleet/fleet.yaml` and `terrarium fleet` build it here."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ray import serve, util

from fleet.plan import FleetPlan
from fleet.replica import FleetReplica

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ray.serve import Application

    from fleet.plan import DirectPlan


class _Replica(FleetReplica):
    """In the process that Ray starts for it."""

    def __init__(self, arguments: Sequence[str], folders: Path, direct: DirectPlan | None) -> None:
        replica: str = _ray_serve().get_replica_context().replica_id.unique_id
        name = f"{socket.gethostname()[:40]}/{replica[:16]}"
        super().__init__(arguments, folders, name, machine=_own_machine(), direct=direct)


def build(args: dict[str, Any]) -> Application:
    """The application, for `serve deploy` and `serve.run`. `args` are a `FleetPlan`.

    Raises:
        pydantic.ValidationError: they are none.
    """
    plan = FleetPlan.model_validate(args)
    api = _ray_serve()
    deployment = api.deployment(**plan.options())(api.ingress()(_Replica))
    return deployment.bind([*plan.arguments, "--max-sessions", str(plan.sessions)], plan.own_dirs, plan.direct_plan)


def _own_machine() -> str:
    """The address of this machine in its cluster."""
    known: Any = util
    return str(known.get_node_ip_address())


def _ray_serve() -> Any:
    """Its functions are typed in part, which says less than nothing."""
    return serve
