"""What ``-v`` shows on standard error: each stage with its time; ``-vvv`` the protocol of the login too."""

from __future__ import annotations

import logging

_PROTOCOL = 3


def follow(verbose: int) -> None:
    """Show what is done from now on; nothing for 0. Passwords and keys are written to no log."""
    if not verbose:
        return
    logging.basicConfig(format="%(relativeCreated)7.0f ms  %(message)s")
    logging.getLogger("sshdoctor").setLevel(logging.INFO)
    if verbose >= _PROTOCOL:
        logging.getLogger("paramiko").setLevel(logging.DEBUG)
