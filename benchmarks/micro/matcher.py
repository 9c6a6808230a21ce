"""The matcher alone: nanoseconds per match and the cost of compiling, from 10 to 100,000 rules.

    python -m benchmarks.micro.matcher [--rules 10,1000,100000] [--rounds 9]

Three shapes, each asked for random rules of the table so that caches are honestly cold:

    prefixes    /r000042 under one hostname
    headers     one path, told apart by `x-tenant`
    hosts       a hostname for every ten rules, ten prefixes each

Times are CPU time of this process, the smallest of several rounds; memory is what the table adds.
"""

import argparse
import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Callable

from proxy.routing.hit import Headers
from proxy.routing.table import HostTable, ListenerTable
from proxy.snapshot.route import Entry, HostBucket, RouteMatch, Rule, ValueMatch

Question = tuple[bytes, bytes, bytes, Headers, bytes | None]

BROWSER: Headers = [
    (b"host", b"a.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"accept", b"*/*"),
]


def prefixes(count: int) -> tuple[list[HostBucket], list[Question]]:
    entries = tuple(Entry(RouteMatch(b"/r%06d" % n), n, 0) for n in range(count))
    asked: list[Question] = [(b"a.example.com", b"/r%06d/item" % n, b"GET", BROWSER, None) for n in range(count)]
    return [HostBucket(b"a.example.com", _rules(count), entries)], asked


def headers(count: int) -> tuple[list[HostBucket], list[Question]]:
    matches = [RouteMatch(b"/api", headers=(ValueMatch(b"x-tenant", b"t%06d" % n),)) for n in range(count)]
    entries = tuple(Entry(match, n, 0) for n, match in enumerate(matches))
    asked: list[Question] = [
        (b"a.example.com", b"/api/item", b"GET", [*BROWSER, (b"x-tenant", b"t%06d" % n)], None)
        for n in random.sample(range(count), min(count, 2000))
    ]
    return [HostBucket(b"a.example.com", _rules(count), entries)], asked


def hosts(count: int) -> tuple[list[HostBucket], list[Question]]:
    names = [b"h%05d.example.com" % n for n in range(count // 10)]
    entries = tuple(Entry(RouteMatch(b"/p%d" % n), n, 0) for n in range(10))
    buckets = [HostBucket(name, _rules(10), entries) for name in names]
    return buckets, [(name, b"/p%d/item" % n, b"GET", BROWSER, None) for name in names for n in range(10)]


SHAPES: dict[str, Callable[[int], tuple[list[HostBucket], list[Question]]]] = {
    "prefixes": prefixes,
    "headers": headers,
    "hosts": hosts,
}


def _rules(count: int) -> tuple[Rule, ...]:
    return tuple(Rule(f"default/r{n}", 0) for n in range(count))


def compile_table(buckets: list[HostBucket]) -> ListenerTable[Rule]:
    return ListenerTable({bucket.hostname: HostTable.compile(bucket, _same) for bucket in buckets})


def _same(rule: Rule) -> Rule:
    return rule


def ns_per_match(table: ListenerTable[Rule], questions: list[Question], rounds: int) -> float:
    asked = random.choices(questions, k=5000)
    match, best = table.match, float("inf")
    for _ in range(rounds):
        start = time.process_time_ns()
        for host, path, method, fields, query in asked:
            match(host, path, method, fields, query)
        best = min(best, (time.process_time_ns() - start) / len(asked))
    return best


def bytes_added(buckets: list[HostBucket]) -> int:
    """What one more table takes, beside the buckets it is made of."""
    tracemalloc.start()
    kept = [compile_table(buckets)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    kept.clear()
    return taken


def measure(shape: str, count: int, rounds: int) -> str:
    buckets, questions = SHAPES[shape](count)
    gc.collect()
    gc.freeze()
    start = time.process_time()
    table = compile_table(buckets)
    took = time.process_time() - start
    nanoseconds = ns_per_match(table, questions, rounds)
    bytes_each = bytes_added(buckets) / count
    gc.unfreeze()
    return f"{shape:9} {count:8,} {nanoseconds:9.0f} {took * 1000:11.1f} {bytes_each:10.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="10,100,1000,10000,100000", help="table sizes")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    random.seed(1)
    print(f"CPython {sys.version.split()[0]}")
    print(f"{'shape':9} {'rules':>8} {'ns/match':>9} {'compile ms':>11} {'bytes/rule':>10}")
    for shape in SHAPES:
        for count in map(int, options.rules.split(",")):
            print(measure(shape, count, options.rounds), flush=True)


if __name__ == "__main__":
    main()
