"""A small blocking client of the cluster's API server, usable from outside its network namespace."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import yaml

from tests.conformance import network, pki
from tests.conformance.place import API_PORT, NODE_IP, Place

Object = dict[str, Any]
"""A Kubernetes object, or a list or Status of them, as JSON has it."""

_POLL = 0.1
_MANAGER = "penstock-tests"
_MERGE, _APPLY = "application/merge-patch+json", "application/apply-patch+yaml"


class ApiError(Exception):
    """The API server refused; `status` is the HTTP status."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path}: {status} {message}")
        self.status = status


class _Connection(http.client.HTTPSConnection):
    def __init__(self, place: Place, context: ssl.SSLContext) -> None:
        super().__init__(NODE_IP, API_PORT, context=context, timeout=30)
        self._place = place
        self._tls = context

    def connect(self) -> None:
        plain = network.connect(self._place, (NODE_IP, API_PORT), 5)
        plain.settimeout(self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=NODE_IP)


class Client:
    """Paths are those of the API: `/api/v1/namespaces/default/pods/web`."""

    def __init__(self, place: Place, token: str | None = None) -> None:
        """`token`: a bearer token; the administrator's if not given."""
        self._place = place
        self._tls = ssl.create_default_context(cafile=str(place.pki / "ca.crt"))
        self._token = token or pki.admin_token(place)
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        """Status and body, whatever the status. Raises OSError when nobody answers."""
        connection = _Connection(self._place, self._tls)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Object:
        """Raises ApiError for an error status."""
        return self._call(method, path, None if body is None else json.dumps(body).encode(), kind)

    def _call(self, method: str, path: str, body: bytes | None, kind: str) -> Object:
        status, answer = self.request(method, path, body, kind)
        try:
            found: Object = json.loads(answer)
        except ValueError:
            found = {"message": answer[:300].decode(errors="replace")}
        if status >= 400:
            raise ApiError(method, path, status, str(found.get("message")))
        return found

    def get(self, path: str) -> Object | None:
        """None when there is no such object."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def patch(self, path: str, body: Object) -> Object:
        """A merge patch (RFC 7386)."""
        return self.call("PATCH", path, body, _MERGE)

    def delete(self, path: str) -> None:
        """No matter whether it was there."""
        try:
            self.call("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def remove(self, path: str, patience: float = 90.0) -> None:
        """Delete, and wait until it is gone: a namespace with all that is in it. Raises TimeoutError."""
        self.delete(path)
        wait_until(f"{path} gone", lambda: self.get(path) is None, patience)

    def apply(self, text: str) -> list[Object]:
        """Server-side apply of every document of a YAML text; returns the objects as they are now."""
        return [self.apply_object(document) for document in yaml.safe_load_all(text) if document]

    def apply_object(self, document: Object) -> Object:
        path = f"{self.path_of(document)}?fieldManager={_MANAGER}&force=true"
        return self._call("PATCH", path, json.dumps(document).encode(), _APPLY)

    def path_of(self, document: Object) -> str:
        """Where an object lives; the server says how its kind is spelled. Raises LookupError for an unknown kind."""
        version, kind = document["apiVersion"], document["kind"]
        if (version, kind) not in self._paths:
            self._discover(version)
        if (version, kind) not in self._paths:
            raise LookupError(f"the API server knows no {kind} in {version}")
        plural, namespaced = self._paths[version, kind]
        metadata = document["metadata"]
        scope = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"{base_of(version)}{scope}/{plural}/{metadata['name']}"

    def _discover(self, version: str) -> None:
        for resource in (self.get(base_of(version)) or {}).get("resources", []):
            if "/" not in resource["name"]:
                self._paths[version, resource["kind"]] = resource["name"], resource["namespaced"]

    def wait_for(self, path: str, condition: Callable[[Object], object], patience: float = 60.0) -> Object:
        """Ask again until the object is there and `condition` holds. Raises TimeoutError with the status last seen."""
        seen: Object | None = None

        def holds() -> bool:
            nonlocal seen
            seen = self.get(path)
            return seen is not None and bool(condition(seen))

        wait_until(f"{path} as awaited", holds, patience, lambda: json.dumps((seen or {}).get("status", seen))[:2000])
        assert seen is not None
        return seen


def base_of(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def wait_until(
    what: str, condition: Callable[[], object], patience: float, seen: Callable[[], str] = lambda: ""
) -> None:
    """Ask again until `condition` holds; a server that is not there (OSError) counts as no. Raises TimeoutError."""
    until = time.monotonic() + patience
    last = ""
    while True:
        try:
            if condition():
                return
        except (OSError, ApiError) as error:
            last = str(error)
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {patience:.0f} s. {seen()} {last}".rstrip())
        time.sleep(_POLL)
