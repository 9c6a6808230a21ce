"""What a Penstock in a cluster counts, read from its admin address."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.penstock import ADMIN
from tests.conformance.session import Cluster

COMPILED = "penstock_config_rules_compiled_total"
RELOADS = "penstock_config_reloads_total"


class Counters(dict[tuple[str, tuple[str, ...]], float]):
    """(metric, values of its labels in the order of their names) to value."""

    def since(self, before: "Counters") -> "Counters":
        return Counters({key: value - before.get(key, 0.0) for key, value in self.items()})

    def total(self, metric: str) -> float:
        return sum(value for (name, _), value in self.items() if name == metric)

    def written(self, kind: str) -> float:
        return self.get(("penstock_status_updates_total", (kind, "written")), 0.0)

    def statuses(self, kind: str) -> Counter[str]:
        """What came of comparing statuses of that kind."""
        found: Counter[str] = Counter()
        for (name, labels), value in self.items():
            if name == "penstock_status_updates_total" and labels[0] == kind:
                found[labels[1]] += int(value)
        return found


def counters(cluster: Cluster, admin: str = ADMIN) -> Counters:
    host, _, port = admin.rpartition(":")
    text = cluster.fetch(host, int(port), "/metrics").body.decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return Counters(
        {(each.name, tuple(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}
    )
