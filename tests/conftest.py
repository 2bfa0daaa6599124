"""Profiles of Hypothesis, and the embedded model for the tests that use it.

`HYPOTHESIS_PROFILE=fuzz` searches long and at random; the default, `ci`, repeats exactly.
"""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

import infill

# a real VS Code takes minutes and is fetched first: `make test-editors`
collect_ignore = ["editors"]

# tests use small tensors: a second thread only waits where other work shares the cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
# nobody's own settings change what is tested
os.environ["INFILL_CONFIG"] = os.devnull

# runs of the command line are kept apart from the user's
_state = tempfile.TemporaryDirectory(prefix="infill-state-")
os.environ["INFILL_STATE"] = _state.name

# a busy machine is no bug, and canvases that no constraint can complete are drawn and dropped
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=40, suppress_health_check=SLOW
)
settings.register_profile(
    "fuzz", deadline=None, max_examples=2_000, suppress_health_check=SLOW, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def embedded():
    """The model that ships with the library."""
    return infill.load()
