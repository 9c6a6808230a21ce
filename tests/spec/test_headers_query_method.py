"""Headers, query parameters and methods of a match (HTTPHeaderMatch, HTTPQueryParamMatch, HTTPMethod)."""

from tests.spec.served import answers
from tests.spec.site import WEB, route, rule


def headers(**pairs: str) -> str:
    return "headers: [" + ", ".join(f"{{name: {name}, value: {value}}}" for name, value in pairs.items()) + "]"


def query(**pairs: str) -> str:
    return "queryParams: [" + ", ".join(f"{{name: {name}, value: {value}}}" for name, value in pairs.items()) + "]"


def match(*parts: str, path: str = "") -> str:
    return "{" + ", ".join([*([f"path: {{value: {path}}}"] if path else []), *parts]) + "}"


async def test_headers_of_a_match_are_anded_and_matches_are_ored() -> None:
    site = WEB + route(
        "headers",
        rule(match(headers(version="one")), to="v1"),
        rule(match(headers(version="two")), to="v2"),
        rule(match(headers(version="two", color="orange")), to="v1"),
        rule(match(headers(color="blue")), match(headers(color="green")), to="v1"),
        rule(match(headers(color="red")), match(headers(color="yellow")), to="v2"),
    )
    await answers(
        site,
        {
            "a/ Version:one": "v1",
            "a/ Version:two": "v2",
            "a/ Version:two Color:orange": "v1",
            "a/ Version:two Color:blue": "v2",  # one each: the first rule
            "a/ Color:orange": 404,
            "a/ Some-Other-Header:one": 404,
            "a/ Color:blue": "v1",
            "a/ Color:green": "v1",
            "a/ Color:red": "v2",
            "a/ Color:yellow": "v2",
            "a/ Color:purple": 404,
            "a/ COLOR:red": "v2",  # names have no case
            "a/ Color:Red": 404,  # values have
        },
    )


async def test_a_repeated_header_is_compared_joined() -> None:
    site = WEB + route("r", rule(match("headers: [{name: x-a, value: '1,2'}]"), to="v1"))
    await answers(site, {"a/ x-a:1 x-a:2": "v1", "a/ x-a:1": 404})


async def test_of_equal_names_in_one_match_the_first_entry_counts() -> None:
    site = WEB + route(
        "r",
        rule(match("headers: [{name: Foo, value: a}, {name: foo, value: b}]"), to="v1"),
        rule(match("queryParams: [{name: q, value: a}]"), to="v2"),
    )
    await answers(site, {"a/ foo:a": "v1", "a/ foo:b": 404, "a/?q=a": "v2"})


async def test_query_parameters() -> None:
    site = WEB + route(
        "query",
        rule(match(query(animal="whale")), to="v1"),
        rule(match(query(animal="dolphin")), to="v2"),
        rule(match(query(animal="dolphin", color="blue")), match(query(ANIMAL="Whale")), to="v3"),
        rule(match(query(animal="whale"), path="/path1"), to="v1"),
        rule(match(headers(version="one"), query(animal="whale")), to="v2"),
        rule(match(headers(version="two"), query(animal="whale"), path="/path2"), to="v3"),
        rule(
            match(query(animal="shark"), path="/path3"),
            match(headers(version="three"), query(animal="kraken"), path="/path4"),
            to="v1",
        ),
        rule(match(path="/path5"), to="v1"),
        rule(match(query(animal="hydra")), to="v2"),
        rule(match(headers(version="four")), to="v3"),
    )
    await answers(
        site,
        {
            "a/?animal=whale": "v1",
            "a/?animal=dolphin": "v2",
            "a/?animal=dolphin&color=blue": "v3",
            "a/?ANIMAL=Whale": "v3",  # names and values have their case
            "a/?animal=whale&otherparam=irrelevant": "v1",
            "a/?animal=dolphin&color=yellow": "v2",
            "a/?color=blue": 404,
            "a/?animal=dog": 404,
            "a/?animal=whaledolphin": 404,
            "a/": 404,
            "a/path1?animal=whale": "v1",
            "a/?animal=whale version:one": "v2",
            "a/path2?animal=whale version:two": "v3",
            "a/path3?animal=shark": "v1",
            "a/path4?animal=kraken version:three": "v1",
            "a/?animal=shark": 404,
            "a/path4?animal=kraken": 404,
            "a/path5?animal=hydra": "v1",  # a path before a parameter
            "a/?animal=hydra version:four": "v3",  # a header before a parameter
            "a/?animal=whale&animal=dog": "v1",  # of a repeated one the first
            "a/?animal=%77hale": "v1",  # compared decoded
        },
    )


async def test_methods() -> None:
    site = WEB + route(
        "method",
        rule(match("method: POST"), to="v1"),
        rule(match("method: GET"), to="v2"),
        rule(match("method: GET", path="/path1"), to="v1"),
        rule(match("method: PUT", headers(version="one")), to="v2"),
        rule(match("method: POST", headers(version="two"), path="/path2"), to="v3"),
        rule(
            match("method: PATCH", path="/path3"),
            match("method: DELETE", headers(version="three"), path="/path4"),
            to="v1",
        ),
        rule(match(path="/path5"), to="v1"),
        rule(match("method: PATCH"), to="v2"),
        rule(match(headers(version="four")), to="v3"),
    )
    await answers(
        site,
        {
            "POST a/": "v1",
            "GET a/": "v2",
            "HEAD a/": 404,  # not implied by GET
            "GET a/path1": "v1",
            "PUT a/ version:one": "v2",
            "POST a/path2 version:two": "v3",
            "PATCH a/path3": "v1",
            "DELETE a/path4 version:three": "v1",
            "PUT a/": 404,
            "DELETE a/path4": 404,
            "PATCH a/path5": "v1",  # a path before a method
            "PATCH a/ version:four": "v2",  # a method before any number of headers
        },
    )
