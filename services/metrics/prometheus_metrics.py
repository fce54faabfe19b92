"""Metrics in the Prometheus text format."""

from __future__ import annotations

import threading
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.metrics.metrics import PassStage, RequestOutcome

# From 1 ms to 2 s, finest around the duration of a pass in a world of 60 fps (16 to 67 ms).
_PASS_BUCKETS: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.033, 0.05, 0.067, 0.1, 0.2, 0.5, 1.0, 2.0)
_HTTP_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_REQUEST_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0)  # some requests load a model
_LOAD_BUCKETS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_HTTP_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MAX_LABEL_VALUES: Final = 64
_MAX_LABEL_LENGTH: Final = 128
_OTHER: Final = "other"
_FIRST_GPU: Final = "0"


class _BoundedLabel:
    """Bounds the values of a label: after the first 64 different ones, new values become `other`."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, value: str) -> str:
        if value in self._seen:
            return value
        with self._lock:
            if len(value) > _MAX_LABEL_LENGTH or len(self._seen) >= _MAX_LABEL_VALUES:
                return _OTHER
            self._seen.add(value)
        return value


class PrometheusMetrics:
    """A `Metrics` with a registry of its own, so that several servers can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._init_sessions()
        self._init_passes()
        self._init_requests()
        self._init_engines()
        self._init_machine()

    def session_opened(self) -> None:
        self._sessions_opened.inc()
        self._sessions_open.inc()

    def session_closed(self, reason: str) -> None:
        self._sessions_open.dec()
        self._sessions_closed.labels(self._close_reason(reason)).inc()

    def session_refused(self, code: str) -> None:
        self._sessions_refused.labels(self._refusal_code(code)).inc()

    def world_resumed(self) -> None:
        self._worlds_resumed.inc()

    def world_expired(self) -> None:
        self._worlds_expired.inc()

    def frames_sent(self, count: int, size_bytes: int) -> None:
        self._frames.inc(count)
        self._frame_bytes.inc(size_bytes)

    def pass_replaced(self) -> None:
        self._passes_replaced.inc()

    def pass_timed(self, stage: PassStage, seconds: float) -> None:
        self._stages[stage].observe(seconds)

    def control_received(self) -> None:
        self._controls.inc()

    def request_answered(self, kind: str, outcome: RequestOutcome, seconds: float) -> None:
        self._requests.labels(self._request_kind(kind), outcome).observe(seconds)

    def engine_loaded(self, model_id: str, seconds: float) -> None:
        self._loads.labels(self._model(model_id)).observe(seconds)

    def engine_failed(self, model_id: str) -> None:
        self._failures.labels(self._model(model_id)).inc()

    def http_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in _HTTP_METHODS else _OTHER
        self._http.labels(known, self._route(route), self._status(str(status))).observe(seconds)

    def gpu_sampled(self, memory_used_bytes: int | None, utilisation: float | None) -> None:
        for gauge, value in ((self._gpu_memory, memory_used_bytes), (self._gpu_utilisation, utilisation)):
            if value is None:
                gauge.clear()  # no GPU is another thing than an idle one
            else:
                gauge.labels(_FIRST_GPU).set(value)

    def render(self) -> tuple[bytes, str]:
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _init_sessions(self) -> None:
        self._close_reason, self._refusal_code = _BoundedLabel(), _BoundedLabel()
        self._sessions_opened = self._counter("terrarium_sessions_opened_total", "Sessions that were opened.")
        self._sessions_open = Gauge("terrarium_sessions_open", "Sessions that are open.", registry=self._registry)
        self._sessions_closed = self._counter(
            "terrarium_sessions_closed_total", "Sessions that ended, by reason.", "reason"
        )
        self._sessions_refused = self._counter(
            "terrarium_sessions_refused_total", "Connections that got no session, by error code.", "code"
        )

        self._worlds_resumed = self._counter(
            "terrarium_worlds_resumed_total", "Worlds that were played on after their connection was lost."
        )
        self._worlds_expired = self._counter(
            "terrarium_worlds_expired_total", "Worlds that were closed because their players did not come back."
        )

    def _init_passes(self) -> None:
        self._frames = self._counter("terrarium_frames_sent_total", "Frames sent to clients.")
        self._frame_bytes = self._counter("terrarium_frames_sent_bytes_total", "Bytes of the frames sent to clients.")
        self._passes_replaced = self._counter(
            "terrarium_passes_replaced_total", "Finished passes that a newer one replaced before they were sent."
        )
        self._controls = self._counter("terrarium_controls_received_total", "Control messages received.")
        stages = self._histogram(
            "terrarium_pass_stage_seconds", "Time of a pass in each stage.", _PASS_BUCKETS, "stage"
        )
        # Resolved once, because each pass is observed in several stages.
        self._stages: dict[PassStage, Histogram] = {stage: stages.labels(stage) for stage in get_args(PassStage)}

    def _init_requests(self) -> None:
        self._request_kind, self._route, self._status = _BoundedLabel(), _BoundedLabel(), _BoundedLabel()
        self._requests = self._histogram(
            "terrarium_request_seconds", "Time to answer a request on a socket.", _REQUEST_BUCKETS, "kind", "outcome"
        )
        self._http = self._histogram(
            "terrarium_http_request_seconds", "Time to answer over HTTP.", _HTTP_BUCKETS, "method", "route", "status"
        )

    def _init_engines(self) -> None:
        self._model = _BoundedLabel()
        self._loads = self._histogram("terrarium_engine_load_seconds", "Time to load a model.", _LOAD_BUCKETS, "model")
        self._failures = self._counter("terrarium_engine_failures_total", "Failures of a model.", "model")

    def _init_machine(self) -> None:
        self._gpu_memory = Gauge(
            "terrarium_gpu_memory_used_bytes", "Memory of the GPU in use.", ("gpu",), registry=self._registry
        )
        self._gpu_utilisation = Gauge(
            "terrarium_gpu_utilisation_ratio",
            "Part of the time in which the GPU worked, 0 to 1.",
            ("gpu",),
            registry=self._registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)
