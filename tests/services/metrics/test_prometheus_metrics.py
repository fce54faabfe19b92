"""What is counted is what a scraper reads, and clients cannot make it grow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from prometheus_client.parser import text_string_to_metric_families

from services.metrics.prometheus_metrics import PrometheusMetrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: PrometheusMetrics) -> Samples:
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(metrics: PrometheusMetrics, name: str, **labels: str) -> float:
    return samples(metrics)[f"terrarium_{name}", tuple(sorted(labels.items()))]


def test_sessions() -> None:
    metrics = PrometheusMetrics()
    metrics.session_opened()
    metrics.session_opened()
    metrics.session_closed("left")
    metrics.session_refused("serverBusy")
    assert value(metrics, "sessions_opened_total") == 2
    assert value(metrics, "sessions_open") == 1
    assert value(metrics, "sessions_closed_total", reason="left") == 1
    assert value(metrics, "sessions_refused_total", code="serverBusy") == 1


def test_passes() -> None:
    metrics = PrometheusMetrics()
    metrics.frames_sent(4, 600_000)
    metrics.frames_sent(4, 500_000)
    metrics.pass_replaced()
    metrics.control_received()
    for stage in ("wait", "infer", "encode", "queue", "send"):
        metrics.pass_timed(stage, 0.03)
    assert value(metrics, "frames_sent_total") == 8
    assert value(metrics, "frames_sent_bytes_total") == 1_100_000
    assert value(metrics, "passes_replaced_total") == 1
    assert value(metrics, "controls_received_total") == 1
    assert value(metrics, "pass_stage_seconds_count", stage="infer") == 1
    assert value(metrics, "pass_stage_seconds_bucket", stage="send", le="0.016") == 0
    assert value(metrics, "pass_stage_seconds_bucket", stage="send", le="0.033") == 1


def test_the_gpu_is_shown_while_it_is_known() -> None:
    metrics = PrometheusMetrics()
    assert not any("gpu" in name for name, _ in samples(metrics))
    metrics.gpu_sampled(3_000_000_000, 0.75)
    metrics.gpu_sampled(2_000_000_000, 0.0)
    assert value(metrics, "gpu_memory_used_bytes", gpu="0") == 2_000_000_000
    assert value(metrics, "gpu_utilisation_ratio", gpu="0") == 0.0
    metrics.gpu_sampled(2_000_000_000, None)
    assert [name for name, _ in samples(metrics) if "gpu" in name] == ["terrarium_gpu_memory_used_bytes"]


def test_requests_and_engines() -> None:
    metrics = PrometheusMetrics()
    metrics.request_answered("init", "ok", 1.5)
    metrics.http_answered("GET", "/api/seeds/{hash}", 404, 0.002)
    metrics.engine_loaded("builtin/diorama", 0.4)
    metrics.engine_failed("builtin/diorama")
    assert value(metrics, "request_seconds_sum", kind="init", outcome="ok") == 1.5
    labels = {"method": "GET", "route": "/api/seeds/{hash}", "status": "404"}
    assert value(metrics, "http_request_seconds_count", **labels) == 1
    assert value(metrics, "engine_load_seconds_count", model="builtin/diorama") == 1
    assert value(metrics, "engine_failures_total", model="builtin/diorama") == 1


def test_stages_are_there_before_the_first_pass() -> None:
    assert value(PrometheusMetrics(), "pass_stage_seconds_count", stage="queue") == 0


def test_servers_in_one_process_count_apart() -> None:
    first, second = PrometheusMetrics(), PrometheusMetrics()
    first.session_opened()
    assert value(second, "sessions_opened_total") == 0


def test_labels_do_not_grow_without_bound() -> None:
    metrics = PrometheusMetrics()
    for number in range(1000):
        metrics.session_closed(f"reason {number}")
        metrics.http_answered(f"METHOD{number}", f"/path/{number}", 200, 0.001)
        metrics.engine_failed("m" * (100 + number))
    found = samples(metrics)
    assert sum(name == "terrarium_sessions_closed_total" for name, _ in found) <= 65
    assert value(metrics, "sessions_closed_total", reason="other") == 936
    assert len(found) < 65 * 40
    assert all(len(text) <= 128 for _, labels in found for _, text in labels)


def test_threads_lose_no_count() -> None:
    metrics = PrometheusMetrics()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(metrics.control_received)
    assert value(metrics, "controls_received_total") == 4000
