"""Server-side apply that changes nothing and forgives nothing: unknown fields are errors, warnings are kept."""

import json
import ssl
from http.client import HTTPSConnection
from typing import NamedTuple

from tests.conformance import network, pki
from tests.conformance.client import Object
from tests.conformance.place import API_PORT, NODE_IP
from tests.conformance.session import Cluster

QUERY = "dryRun=All&fieldValidation=Strict&fieldManager=penstock-tests&force=true"


class Verdict(NamedTuple):
    """What the API server says of an object."""

    status: int
    message: str
    """"" when it takes it."""
    warnings: tuple[str, ...]


def dry_run(cluster: Cluster, document: Object) -> Verdict:
    place = cluster.place
    tls = ssl.create_default_context(cafile=str(place.pki / "ca.crt"))
    connection = HTTPSConnection(NODE_IP, API_PORT, timeout=30)
    connection.sock = tls.wrap_socket(network.connect(place, (NODE_IP, API_PORT), 5), server_hostname=NODE_IP)
    headers = {"Authorization": f"Bearer {pki.admin_token(place)}", "Content-Type": "application/apply-patch+yaml"}
    try:
        connection.request("PATCH", f"{cluster.client.path_of(document)}?{QUERY}", json.dumps(document), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        message = "" if response.status < 400 else answer["message"]
        return Verdict(response.status, message, tuple(response.headers.get_all("Warning", ())))
    finally:
        connection.close()
