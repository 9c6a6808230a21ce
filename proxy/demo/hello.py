"""The hello backend: GET greets Penstock, POST greets whom its JSON names."""

import json

from aiohttp import web


def application() -> web.Application:
    """Answers GET, HEAD and POST on /hello and every path under it; always JSON."""
    app = web.Application()
    for path in ("/hello", "/hello/{rest:.*}"):
        app.router.add_get(path, greet_penstock)
        app.router.add_post(path, greet_by_name)
    return app


async def greet_penstock(_request: web.Request) -> web.Response:
    return answer("Hello, Penstock!")


async def greet_by_name(request: web.Request) -> web.Response:
    try:
        name = json.loads(await request.read())["name"]
    except (ValueError, KeyError, TypeError):
        return answer('Send JSON with a name, such as {"name":"Ada"}.', status=400)
    return answer(f"Hello, {name}!")


def answer(message: str, status: int = 200) -> web.Response:
    body = {"from": "Penstock", "message": message, "status": status == 200}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(body=text.encode(), status=status, content_type="application/json")
