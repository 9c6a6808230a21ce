"""What all tests share."""

import pytest
from hypothesis import settings

settings.register_profile("penstock", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("penstock")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what came out into the golden files")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
