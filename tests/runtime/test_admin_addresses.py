"""The admin and the metrics address."""

import socket

from proxy.runtime.admin_addresses import AdminAddresses
from proxy.runtime.settings import Settings
from tests.admin.view import FakeView

HOST = "127.0.0.1"


async def test_both_come_up() -> None:
    addresses = AdminAddresses(FakeView(), Settings((), admin=(HOST, 0), metrics=(HOST, 0)))
    assert await addresses.start()
    assert addresses.url.startswith(f"http://{HOST}:")
    assert not addresses.url.endswith(":0/")
    await addresses.stop()


async def test_every_address_is_shown_as_localhost() -> None:
    addresses = AdminAddresses(FakeView(), Settings((), admin=("0.0.0.0", 0)))
    assert await addresses.start()
    assert addresses.url.startswith("http://localhost:")
    await addresses.stop()


async def test_one_in_use_is_told_and_the_other_comes_up(caplog) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        addresses = AdminAddresses(FakeView(), Settings((), admin=(HOST, port), metrics=(HOST, 0)))
        assert not await addresses.start()
    assert f"--admin: cannot listen on {HOST}:{port}: the port is taken" in caplog.text
    assert "hint: choose another address with --admin HOST:PORT" in caplog.text
    assert addresses.url == ""
    assert len(addresses._servers) == 1
    await addresses.stop()
