"""What is known of names without DNS: localhost (RFC 6761 section 6.3), and the hosts file."""

from ipaddress import ip_address
from pathlib import Path

HOSTS_FILE = Path("/etc/hosts")
LOOPBACK = ("127.0.0.1", "::1")


def is_localhost(host: str) -> bool:
    """No name server is asked about these; some would answer anything."""
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def from_hosts_file(host: str, path: Path = HOSTS_FILE) -> tuple[str, ...]:
    """Addresses of a name, in the order of the file; none also where it cannot be read. hosts(5)."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    wanted = host.lower().removesuffix(".")
    found = []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in map(str.lower, names) and _is_address(address):
            found.append(address)
    return tuple(dict.fromkeys(found))


def _is_address(text: str) -> bool:
    """One with a zone is good on one link only, and nothing here would know which."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False
