"""The fleet as an application of Ray Serve. `serve deploy fleet/fleet.yaml` and `terrarium fleet` build it here."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ray import serve, util

from fleet.departure import Going
from fleet.plan import FleetPlan
from fleet.replica import FleetReplica

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ray.serve import Application

    from fleet.plan import DirectPlan


class _Replica(FleetReplica):
    """In the process that Ray starts for it."""

    def __init__(self, arguments: Sequence[str], folders: Path, direct: DirectPlan | None, drain_s: float) -> None:
        context = _ray_serve().get_replica_context()
        name = f"{socket.gethostname()[:40]}/{context.replica_id.unique_id[:16]}"

        def going() -> Going:
            return _going(context.app_name, context.deployment)

        super().__init__(arguments, folders, name, machine=_own_machine(), direct=direct, drain_s=drain_s, going=going)


def build(args: dict[str, Any]) -> Application:
    """The application, for `serve deploy` and `serve.run`. `args` are a `FleetPlan`.

    Raises:
        pydantic.ValidationError: they are none.
    """
    plan = FleetPlan.model_validate(args)
    api = _ray_serve()
    deployment = api.deployment(**plan.options())(api.ingress()(_Replica))
    arguments = [*plan.arguments, "--max-sessions", str(plan.sessions)]
    return deployment.bind(arguments, plan.own_dirs, plan.direct_plan, plan.drain_s)


def _going(application: str, deployment: str) -> Going:
    """What Ray has in hand with the servers of this fleet. Raises: KeyError, its controller is not there just now."""
    found = _ray_serve().status().applications[application]
    if found.status == "DELETING":
        return Going.ALL
    return Going.SOME if found.deployments[deployment].replica_states.get("STOPPING") else Going.NONE


def _own_machine() -> str:
    """The address of this machine in its cluster."""
    known: Any = util
    return str(known.get_node_ip_address())


def _ray_serve() -> Any:
    """Its functions are typed in part, which says less than nothing."""
    return serve
