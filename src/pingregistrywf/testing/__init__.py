"""What your own tests need.  This is the only package here that needs pytest.

``journal`` has the tests that every journal passes.
"""

import pytest

pytest.register_assert_rewrite("pingregistrywf.testing.journal")
