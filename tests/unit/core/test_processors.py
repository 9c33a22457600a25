"""The processors that this process may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from osler.core.processors import processors


def test_at_least_one_and_never_more_than_there_are():
    assert 1 <= processors() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system lends no single processors")
def test_a_process_that_was_lent_one_processor_sees_one():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from osler.core.processors import processors; print(processors())"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "1\n"
