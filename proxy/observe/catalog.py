"""METRICS: every metric, declared once. A metric is added here and nowhere else.

Names follow Prometheus: base units, `_total` for counters. Labels are bounded: objects are named
NAMESPACE/NAME, unknown methods fold to `_OTHER`.
"""

from typing import Literal, NamedTuple

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds in seconds: those of OpenTelemetry's http.server.request.duration, and two below them."""
FINE_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds in seconds for our own share of the time, which is well below a millisecond."""

MetricType = Literal["counter", "gauge", "histogram"]
Aggregate = Literal["sum", "min"]


class Metric(NamedTuple):
    """One metric family."""

    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    aggregate: Aggregate = "sum"
    """How the gauges of several workers become one value. Counters and histograms are always summed."""
    buckets: tuple[float, ...] = BUCKETS

    @property
    def size(self) -> int:
        """Slots that one series takes: a histogram has one per bucket, one for +Inf and one for its sum."""
        return len(self.buckets) + 2 if self.type == "histogram" else 1


RULE_LABELS = ("gateway", "listener", "route", "rule")

METRICS: dict[str, Metric] = {
    # --- the data plane ---
    "penstock_http_requests_total": Metric(
        "counter", "Requests answered.", (*RULE_LABELS, "backend", "method", "code")
    ),
    "penstock_http_request_duration_seconds": Metric(
        "histogram", "From the first byte of a request to the last byte of its answer.", RULE_LABELS
    ),
    "penstock_http_overhead_seconds": Metric(
        "histogram", "The gateway's own share of a request's time.", buckets=FINE_BUCKETS
    ),
    "penstock_upstream_request_duration_seconds": Metric(
        "histogram", "From sending a request to an endpoint to the end of its answer.", ("backend",)
    ),
    "penstock_upstream_connections": Metric(
        "gauge", "Connections to endpoints, by state: active or idle.", ("backend", "state")
    ),
    "penstock_upstream_connect_failures_total": Metric(
        "counter", "Connections to endpoints that could not be opened.", ("backend", "reason")
    ),
    "penstock_upstream_retries_total": Metric(
        "counter", "Requests sent again, by what made that necessary.", ("backend", "reason")
    ),
    "penstock_upstream_retries_refused_total": Metric(
        "counter", "Retries that a rule wanted and the backend's budget did not allow.", ("backend", "reason")
    ),
    "penstock_session_persistence_total": Metric(
        "counter",
        "Answers to requests of rules with session persistence, by what became of the session: "
        "kept, new, moved, expired or invalid.",
        ("backend", "result"),
    ),
    "penstock_mirror_requests_total": Metric(
        "counter",
        "Copies of requests, by what became of them: answered, failed, dropped as too slow, or aborted.",
        ("backend", "result"),
    ),
    "penstock_external_auth_requests_total": Metric(
        "counter",
        "Questions to authorization servers, by what came of them: allowed, denied, failed, timeout, or aborted.",
        ("backend", "result"),
    ),
    "penstock_endpoint_up": Metric(
        "gauge",
        "1 while every worker sends requests to the endpoint, else 0.",
        ("backend", "endpoint"),
        "min",
    ),
    "penstock_no_route_total": Metric(
        "counter", "Requests that no rule matched, by the criterion that failed last.", ("listener", "reason")
    ),
    "penstock_open_connections": Metric("gauge", "Open client connections.", ("listener", "protocol")),
    "penstock_tls_handshakes_total": Metric(
        "counter", "TLS handshakes ended, by result: ok, or why there was none.", ("listener", "result")
    ),
    "penstock_tls_insecure_fallbacks_total": Metric(
        "counter",
        "Clients let in without a valid certificate where AllowInsecureFallback wants it, by what was wrong.",
        ("listener", "reason"),
    ),
    "penstock_tls_failures_total": Metric(
        "counter", "TLS connections broken off after their handshake, by reason.", ("listener", "reason")
    ),
    "penstock_proxy_headers_total": Metric(
        "counter",
        "Headers of the PROXY protocol that trusted peers were asked for, by result: ok, local, none, or why the "
        "connection was closed.",
        ("listener", "result"),
    ),
    "penstock_http2_refused_total": Metric(
        "counter",
        "HTTP/2 streams and connections refused without an exchange, by reason.",
        ("listener", "reason"),
    ),
    "penstock_l4_connections_total": Metric(
        "counter",
        "Connections and flows passed on as they are, by how they ended: ok, or why they did not.",
        ("gateway", "listener", "route", "backend", "result"),
    ),
    "penstock_l4_bytes_total": Metric(
        "counter",
        "Octets of connections and flows passed on as they are: in, from clients, and out.",
        ("gateway", "listener", "route", "backend", "direction"),
    ),
    "penstock_access_log_dropped_total": Metric(
        "counter", "Access log lines dropped because what they are written to was too slow."
    ),
    "penstock_metrics_series_dropped_total": Metric("counter", "Series that found no room and are not counted."),
    # --- the control process ---
    "penstock_config_generation": Metric(
        "gauge", "The generation of the configuration that a worker has acknowledged.", ("worker",)
    ),
    "penstock_config_reloads_total": Metric("counter", "Configurations read, by result.", ("result",)),
    "penstock_config_last_reload_successful": Metric(
        "gauge", "1 when the last configuration read had no object refused, else 0."
    ),
    "penstock_config_last_reload_success_timestamp_seconds": Metric(
        "gauge", "When a configuration without any refused object was last installed."
    ),
    "penstock_config_reload_duration_seconds": Metric(
        "histogram", "Time that a reload took, by stage: load, translate or swap.", ("stage",)
    ),
    "penstock_config_objects": Metric(
        "gauge", "Objects of the configuration, by kind and status: accepted or refused.", ("kind", "status")
    ),
    "penstock_infrastructure_updates_total": Metric(
        "counter",
        "Objects made for Gateways that had to be written, by what came of it.",
        ("kind", "result"),
    ),
    "penstock_tls_certificate_not_after_timestamp_seconds": Metric(
        "gauge", "When a certificate of a listener ends; cn is its common name.", ("listener", "cn")
    ),
    "penstock_dns_lookups_total": Metric("counter", "DNS names of backends looked up, by result.", ("result",)),
    "penstock_dns_lookup_duration_seconds": Metric("histogram", "Time that looking up a name took."),
    "penstock_dns_names": Metric("gauge", "DNS names of backends, by what is known of them.", ("state",)),
    "penstock_dns_forbidden_addresses_total": Metric(
        "counter", "Addresses that names led to and that are forbidden, each time they were found."
    ),
    "penstock_config_rules_compiled_total": Metric("counter", "Rules that had to be compiled because they changed."),
    "penstock_config_rules_shipped_total": Metric(
        "counter", "Rules sent to workers: all of a listener's hostname when one of them has changed."
    ),
    "penstock_status_updates_total": Metric(
        "counter", "Statuses of objects compared with what is meant, by what came of it.", ("kind", "result")
    ),
    "penstock_status_pending": Metric("gauge", "Objects whose status waits to be compared or written."),
    "penstock_leader": Metric("gauge", "1 while this replica is the one that writes statuses, else 0."),
    "penstock_events_total": Metric("counter", "Events about objects, by what became of them.", ("result",)),
    "penstock_worker_restarts_total": Metric("counter", "Workers that ended and were started again."),
    "penstock_kubernetes_watch_events_total": Metric(
        "counter", "Events of the watches of the API server, bookmarks included.", ("kind", "type")
    ),
    "penstock_kubernetes_relists_total": Metric(
        "counter", "Lists beyond the first, by what made them necessary.", ("kind", "reason")
    ),
    "penstock_kubernetes_connected": Metric(
        "gauge", "1 while every kind that is installed is in step with the API server, else 0."
    ),
    "penstock_kubernetes_last_contact_timestamp_seconds": Metric("gauge", "When the API server was last heard."),
    "penstock_build_info": Metric("gauge", "1, with what runs as labels.", ("version", "python", "loop", "compiled")),
}
