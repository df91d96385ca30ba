"""Sites are mended, and proved by a new request."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.testbed import Testbed
from sites.case import MORE, load_cases
from sites.run import laid_out

CASES = {case.name: case for case in (*load_cases(), *load_cases(MORE))}


@pytest.mark.containers
@pytest.mark.long
@pytest.mark.parametrize("name", ["nginx-stopped", "fpm-tcp-down"])
def test_what_does_not_run_is_started(name: str, testbed: Testbed, tmp_path: Path) -> None:
    with laid_out(CASES[name], testbed, tmp_path) as desk:
        assert not desk.curl().startswith("200")
        done = desk.sshdoctor("remediate", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert desk.curl().startswith("200")
