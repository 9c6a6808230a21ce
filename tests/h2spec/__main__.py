"""`python -m tests.h2spec BINARY`: both transports of one gateway; exit code 1 when a run is not as written down."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.certificates import pair
from tests.h2spec.results import differences, read
from tests.h2spec.waivers import BY_TRANSPORT, TESTS
from tests.runtime.running import HOST, backend, document, free_port, route, running, service
from tests.runtime.test_https import secret

OPTIONS = {"clear text": [], "TLS": ["--tls", "--insecure"]}
"""What tells h2spec of the transport."""


def site(ports: dict[str, int], endpoint: int) -> str:
    """A listener for each transport, and one backend for all that is asked."""
    tls = {"certificateRefs": [{"name": "cert"}]}
    listeners = [
        {"name": "http", "protocol": "HTTP", "port": ports["clear text"]},
        {"name": "https", "protocol": "HTTPS", "port": ports["TLS"], "tls": tls},
    ]
    edge = document(
        "gateway.networking.k8s.io/v1", "Gateway", "edge", {"gatewayClassName": "penstock", "listeners": listeners}
    )
    return "\n".join([edge, secret(pair("one.example")), route(), service(endpoint)])


def run(binary: str, port: int, options: list[str], report: Path) -> str:
    """The report. h2spec's own exit code says whether everything was passed."""
    argv = [binary, "--host", HOST, "--port", str(port), "--junit-report", str(report), *options]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return report.read_text() if report.exists() else sys.exit(f"h2spec: {done.stdout}")


def main(binary: str) -> int:
    ports = {transport: free_port() for transport in OPTIONS}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, backend() as app:
        source = Path(folder) / "gateway.yaml"
        source.write_text(site(ports, app.port))
        with running(source, workers=1):
            for transport, options in OPTIONS.items():
                outcomes = read(run(binary, ports[transport], options, Path(folder) / "report.xml"))
                print(f"h2spec over {transport}: {sum(outcomes.values())} of {len(outcomes)}")
                for line in differences(outcomes, BY_TRANSPORT[transport], TESTS):
                    print(f"  {line}")
                    wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
