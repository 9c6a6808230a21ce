"""/: one plain page about what is served now. Without scripts, and it asks nobody else for anything."""

from collections.abc import Iterator
from html import escape
from typing import Any

from proxy import __version__
from proxy.admin.dump import backends, listeners
from proxy.admin.readiness import is_ready
from proxy.admin.view import View
from proxy.observe.live import count_rules

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .8rem .3rem 0; }
th { border-bottom: 1px solid; } pre { white-space: pre-wrap; } :root { color-scheme: light dark; }
"""

API = ("overview", "listeners", "routes", "backends", "status", "config")


def page(view: View) -> str:
    """The whole document."""
    snapshot = view.snapshot
    state = "draining" if view.draining else "ready" if is_ready(view) else "not ready"
    rules = count_rules(snapshot) if snapshot else 0
    generation = snapshot.generation if snapshot else 0
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Penstock: {state}</title>'
        f'<meta http-equiv="refresh" content="5"><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><h1>Penstock is {state}</h1>"
        f"<p>Version {escape(__version__)}, up {duration(view.uptime)}, generation {generation},"
        f" {rules} {'rule' if rules == 1 else 'rules'}.</p>"
        f"{_problems(view)}{_listeners(view)}{_backends(view)}{_workers(view)}{_links()}{_question(view)}</html>"
    )


def duration(seconds: float) -> str:
    """`2 h 5 min`, for people."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _problems(view: View) -> str:
    if not view.problems:
        return "<h2>Problems</h2><p>None: everything that was declared is served.</p>"
    told = "\n\n".join(escape(str(problem)) for problem in view.problems)
    return f"<h2>Problems</h2><pre>{told}</pre>"


def _listeners(view: View) -> str:
    rows = [
        [
            item["listener"],
            item["protocol"],
            item["hostname"],
            ", ".join(f"{bind['address']}:{bind['port']}{_unbound(bind['bound'])}" for bind in item["binds"]),
        ]
        for item in listeners(view)
    ]
    return "<h2>Listeners</h2>" + _table(["Listener", "Protocol", "Hostname", "Bound to"], rows)


def _unbound(bound: bool) -> str:
    return "" if bound else " (could not be bound)"


def _backends(view: View) -> str:
    rows = [[item["backend"], ", ".join(_places(item)) or "none ready"] for item in backends(view)]
    return "<h2>Backends</h2>" + _table(["Backend", "Endpoints"], rows)


def _places(backend: dict[str, Any]) -> Iterator[str]:
    """Endpoints, and DNS names with what they lead to."""
    yield from backend["endpoints"]
    for name in backend.get("names", ()):
        found = name.get("resolved")
        leads = ", ".join(found["addresses"]) or found["reason"] or found["state"] if found else "not looked up"
        yield f"{name['name']} ({leads})"


def _workers(view: View) -> str:
    rows = [
        [str(index), str(worker.pid), str(worker.generation), duration(worker.uptime)]
        for index, worker in view.workers.items()
    ]
    return "<h2>Workers</h2>" + _table(["Worker", "Process", "Generation", "Up"], rows)


def _links() -> str:
    links = [f'<a href="/api/v1/{name}">{name}</a>' for name in API]
    more = [f'<a href="{path}">{path}</a>' for path in ("/metrics", "/readyz", "/healthz")]
    return f"<h2>More</h2><p>{' · '.join((*links, *more))}</p>"


def _question(view: View) -> str:
    """One that can be asked, of the first listener whose requests have URLs."""
    asked = next((item for item in listeners(view) if item["protocol"] in ("HTTP", "HTTPS")), None)
    if asked is None:
        return ""
    host = "localhost" if asked["hostname"] == "*" else asked["hostname"].replace("*", "any")
    path = f"/api/v1/explain?url={asked['protocol'].lower()}://{host}:{asked['port']}/"
    return f'<p>What becomes of a request, and why: <a href="{escape(path)}">{escape(path)}</a></p>'


def _table(titles: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
