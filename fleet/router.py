"""Ray's request router for this application: requests go where there is room for one more session.

All requests are routed alike, as a router is not told which of them opens a session. The others are short, and any
replica can answer them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ray.serve.request_router import FIFOMixin, RequestRouter

from fleet.routing_stats import load_of
from handlers.places.admission import ranked

if TYPE_CHECKING:
    from ray.serve.request_router import PendingRequest, RunningReplica


class SessionRouter(FIFOMixin, RequestRouter):
    """A client may name the model that it will ask for, in the header `serve_multiplexed_model_id`."""

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        by_name = {replica.replica_id.unique_id: replica for replica in candidate_replicas}
        loads = [load_of(name, replica.routing_stats) for name, replica in by_name.items()]
        model = None if pending_request is None else pending_request.metadata.multiplexed_model_id or None
        return [[by_name[load.server] for load in group] for group in ranked(loads, model)]
