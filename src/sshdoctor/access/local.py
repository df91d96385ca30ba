"""This machine itself."""

from __future__ import annotations

import os
import pwd
import shutil

from sshdoctor.access.process import ProcessAccess
from sshdoctor.model import Become


def open_local(*, become: Become | None = None, timeout: float = 10) -> ProcessAccess:
    """Scripts run here; through sudo if ``become`` names another user than the one who runs this."""
    if become is not None and become.user == pwd.getpwuid(os.geteuid()).pw_name:
        become = None
    if become is not None and shutil.which("sudo") is None:
        access = ProcessAccess("local", "this machine", (), None, timeout)
        access.privileges = "sudo is not installed"
        return access
    return ProcessAccess("local", "this machine", (), become, timeout)
