"""What a fleet is to be, and what that is in the words of Ray Serve, without Ray itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from fleet.departure import ASKED_EVERY_S, time_to_end_s

Port: TypeAlias = Annotated[int, Field(ge=0, le=65_000)]
DirectUrl: TypeAlias = Annotated[
    str, Field(pattern=r"^wss?://[^/\s{}]*(\{(host|port)\}[^/\s{}]*)*$", min_length=6, max_length=200)
]


class DirectPlan(BaseModel):
    """How players reach the server that they were sent to. `port` is the first that is tried, 0: any; `url` may name
    {host} and {port}. A page that comes by https can only be sent to wss://.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Port = 0
    url: DirectUrl = "ws://{host}:{port}"

    def address(self, host: str, port: int) -> str:
        return self.url.format(host=f"[{host}]" if ":" in host else host, port=port)


class FleetPlan(BaseModel):
    """What a fleet is to be; the `args` of fleet.yaml. Times in seconds.

    `arguments` are those of every server. `own_dirs` is a folder on each machine for what a server keeps to itself.
    With `max_replicas` above `replicas`, there are as many as sessions need. `direct` false: players reach their server
    through Ray's proxy. `release` is any name: where it changes, as any of these may, a new server comes for each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str = ""
    arguments: list[str]
    own_dirs: Path
    replicas: int = Field(default=1, ge=1, le=4096)
    max_replicas: int | None = Field(default=None, ge=1, le=4096)
    sessions: int = Field(default=8, ge=1, le=1024)
    gpus: float = Field(default=0.0, ge=0, le=8)
    cpus: float = Field(default=1.0, ge=0, le=256)
    drain_s: float = Field(default=600.0, ge=1, le=86_400)
    direct: bool = True
    direct_port: Port = 0
    direct_url: DirectUrl = DirectPlan().url

    @property
    def scales(self) -> bool:
        return self.max_replicas is not None and self.max_replicas > self.replicas

    @property
    def direct_plan(self) -> DirectPlan | None:
        if not self.direct:
            return None
        return DirectPlan(port=self.direct_port, url=self.direct_url)

    @property
    def open_requests(self) -> int:
        """What a replica may have open at a time: sessions, and beside each a page with its streams and who watches."""
        return 8 * self.sessions + 64

    def options(self) -> dict[str, Any]:
        """Of the deployment, as Ray Serve names them."""
        options: dict[str, Any] = {
            "name": "terrarium",
            "max_ongoing_requests": self.open_requests,
            "ray_actor_options": {"num_cpus": self.cpus, "num_gpus": self.gpus},
            # A replica that is to go is sent nothing new. It ends when its last session has, or when its time is over.
            "graceful_shutdown_timeout_s": time_to_end_s(self.drain_s),
            "graceful_shutdown_wait_loop_s": 1.0,
            "request_router_config": {
                "request_router_class": "fleet.router.SessionRouter",
                "request_routing_stats_period_s": ASKED_EVERY_S,
            },
        }
        if not self.scales:
            return {**options, "num_replicas": self.replicas}
        needed = {
            "min_replicas": self.replicas,
            "max_replicas": self.max_replicas,
            "policy": {"policy_function": "fleet.scaling:servers_needed"},
        }
        return {**options, "autoscaling_config": needed}
