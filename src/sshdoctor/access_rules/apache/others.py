"""Directives of modules that the model does not follow, and which may change what comes of a request."""

from __future__ import annotations

from sshdoctor.access_rules.apache.read import Line

MAY_REFUSE = {
    "secruleengine": "ModSecurity's rules may refuse it",
    "doshashtablesize": "mod_evasive may refuse it with 403 if the address asks often",
    "dospagecount": "mod_evasive may refuse it with 403 if the address asks often",
    "qs_srvmaxconnperip": "mod_qos may refuse it if the address asks often",
}
"""What each may do to a request that the rules let in."""
UNREAD = ("use", "luahookaccesschecker", "perlaccesshandler", "virtualdocumentroot", "virtualscriptalias")
"""Where one of these stands, nothing is known of the way of a request."""


def is_on(line: Line) -> bool:
    return bool(line.args) and line.args[0].lower() not in ("off", "detectiononly")
