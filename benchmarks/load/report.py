"""Slots to figures, figures to a table of text and to JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.load.interleave import NOTHING, Slot, Spread, ratios

COMPARED = ("cpu_us", "rate", "p50_ms")


@dataclass(frozen=True)
class Row:
    """One contestant in one workload. `values` are medians over its slots, `ratios` are to the base."""

    contestant: str
    values: dict[str, float]
    ratios: dict[str, Spread]
    growth: Spread
    """CPU time over that of the same peer with the smallest table in the slots beside it."""
    errors: int
    start_seconds: float
    memory_mib: float


@dataclass(frozen=True)
class Result:
    """One workload."""

    workload: str
    title: str
    connections: int
    seconds: int
    base: str
    rows: tuple[Row, ...]

    @property
    def errors(self) -> int:
        return sum(row.errors for row in self.rows)


@dataclass(frozen=True)
class Start:
    """What a contestant needed before its first slot."""

    seconds: float
    memory: int
    smallest: str = ""
    """The contestant its growth is measured against, "" for none."""


def summarise(slots: Sequence[Slot], base: str, starts: Mapping[str, Start]) -> tuple[Row, ...]:
    """A row for every contestant that had a slot, in the order of `starts`."""
    return tuple(_row(slots, name, base, start) for name, start in starts.items())


def _row(slots: Sequence[Slot], name: str, base: str, start: Start) -> Row:
    own = [slot.values for slot in slots if slot.contestant == name]
    grown = ratios(slots, name, start.smallest, "cpu_us") if start.smallest not in ("", name) else []
    return Row(
        contestant=name,
        values={key: median(values[key] for values in own) for key in own[0]} if own else {},
        ratios={key: Spread.of(ratios(slots, name, base, key)) for key in COMPARED},
        growth=Spread.of(grown) if grown else NOTHING,
        errors=int(sum(values["errors"] for values in own)),
        start_seconds=round(start.seconds, 3),
        memory_mib=round(start.memory / 2**20, 1),
    )


def as_text(result: Result) -> str:
    """The table of one workload."""
    how = f"{result.connections} connections, slots of {result.seconds} s, ratios to {result.base}"
    grown = any(row.growth.count for row in result.rows)
    columns = [
        "",
        "CPU µs",
        "system",
        "main",
        "CPU ratio",
        "req/s",
        "ratio",
        "p50 ms",
        "ratio",
        "core",
        "slots",
        "errors",
    ]
    if grown:
        columns += ["growth", "start s", "MiB"]
    body = [_cells(row, grown) for row in result.rows]
    return "\n".join([f"{result.title}: {how}", *_aligned([columns, *body])])


def _cells(row: Row, grown: bool) -> list[str]:
    values, cpu = row.values, row.ratios["cpu_us"]
    cells = [
        row.contestant,
        f"{values['cpu_us']:.1f}",
        f"{values['system_us']:.1f}",
        f"{values['main_us']:.1f}",
        _spread(cpu),
        f"{values['rate']:.0f}",
        f"{row.ratios['rate'].median:.2f}",
        f"{values['p50_ms']:.2f}",
        f"{row.ratios['p50_ms'].median:.2f}",
        f"{values['share']:.2f}",
        str(cpu.count),
        str(row.errors),
    ]
    if grown:
        growth = _spread(row.growth) if row.growth.count else "–"
        cells += [growth, f"{row.start_seconds:.1f}", f"{row.memory_mib:.0f}"]
    return cells


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


LEGEND = """\
CPU µs: user and system time of the proxy's whole process tree per request (median of slots); system: of which
in the kernel; main: of which in its root process (Penstock's control process, the others' masters).
Ratios: median (min–max) of each slot over the slots of the base beside it; the base's own row is the noise.
req/s: on the one core the proxy has; core: the share of it the proxy used (below 1 the load generator was the
limit, and req/s is a lower bound). growth: CPU against the same proxy with the smallest table, beside it."""


def overview(results: Sequence[Result]) -> str:
    """CPU ratios of all workloads on one page: a line for each workload and table size, a column for each peer."""
    lines: dict[str, dict[str, str]] = {}
    for result in results:
        for row in result.rows:
            peer, _, size = row.contestant.partition("@")
            name = f"{result.workload} R={size}" if size else result.workload
            growth = f" growth {row.growth.median:.2f}" if row.growth.count else ""
            lines.setdefault(name, {})[peer] = _spread(row.ratios["cpu_us"]) + growth
    peers = list(dict.fromkeys(peer for cells in lines.values() for peer in cells))
    body = [[name, *(cells.get(peer, "–") for peer in peers)] for name, cells in lines.items()]
    return "\n".join(["CPU per request, ratios to the base", *_aligned([["", *peers], *body])])


def as_json(environment: Mapping[str, object], results: Sequence[Result]) -> dict[str, object]:
    return {"environment": dict(environment), "results": [asdict(result) for result in results]}
