"""The rules of the Gateway API for Gateways and HTTPRoutes in file mode, one file per section: declared, served, asked.

The table from the official suite's tests to these is in README.md, which `test_index` holds to what is there.
"""

import pytest

pytest.register_assert_rewrite("tests.spec.served")
