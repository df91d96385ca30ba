"""Whether failures come to sshguard and to CrowdSec: by what they read, know, and have noticed."""

from __future__ import annotations

import re

from sshdoctor.facts.protection.engines import Engines
from sshdoctor.facts.protection.guards import Crowdsec, Sshguard
from sshdoctor.model import Unknown
from sshdoctor.protection.notice import Said, about_clients, failures_of, quiet_of


def noticed_by_sshguard(guard: Sshguard, engines: Engines) -> Said:
    """What it reads is a command (LOGREADER) or FILES; what it noticed stands in the journal."""
    if (quiet := quiet_of(engines)) is not None:
        return quiet
    if guard.noticed:
        return True, ""
    reader = guard.settings.get("LOGREADER", "")
    lines = () if isinstance(engines.lines, Unknown) else about_clients(engines.lines)
    failures = failures_of(lines)
    names = set(re.findall(r"(?:-t|--identifier[ =]|SYSLOG_IDENTIFIER=) *([\w-]+)", reader))
    wrong = {line.get("SYSLOG_IDENTIFIER", "") for line in lines[-20:]}
    if "journalctl" in reader and names and wrong and not names & wrong:
        return (
            False,
            f"sshguard's LOGREADER asks for {', '.join(sorted(names))}, and {min(wrong)} logs the logins",
        )
    if len(failures) > 3:
        return (
            False,
            "sshguard runs, and has noticed none of the failures that sshd logged: LOGREADER in its file",
        )
    if "journalctl" in reader and ("sshd" in reader or "SYSLOG_FACILITY" in reader):
        return True, ""
    return None, "notices: sshguard has noticed nothing yet, and what it reads does not tell that it will"


def guesses_noticed_by_crowdsec(crowdsec: Crowdsec) -> Said:
    """Of a site's pages: whether it may notice them, which its own scenarios decide."""
    reads = any(re.search(r"nginx|apache|httpd|access", each.text) for each in crowdsec.sources)
    knows = any(re.search(r"wordpress|http-bf|http-generic-bf", each) for each in crowdsec.scenarios)
    if reads and knows:
        return None, "notices: whether the scenarios of CrowdSec take these guesses for such is not judged"
    return False, "CrowdSec reads no log of the site, or has no scenario for it (crowdsecurity/wordpress)"


def _simulates(crowdsec: Crowdsec) -> bool:
    """Whether each scenario for SSH is simulated: those of the list are where the others are not."""
    mine = [each.removesuffix(".yaml") for each in crowdsec.scenarios if "ssh" in each]
    unlike = {each.rpartition("/")[2] for each in crowdsec.unlike}
    return bool(mine) and all(crowdsec.simulated is not (each in unlike) for each in mine)


def _decides(profiles: str) -> bool:
    """Whether one of the profiles bans; True where none is there to be read (they may stand elsewhere)."""
    return not profiles.strip() or re.search(r"(?m)^[ ]*(?:-[ ]*)?type:[ ]*[\"']?ban\b", profiles) is not None


_PARSED_TYPES = ("syslog", "sshd")


def noticed_by_crowdsec(crowdsec: Crowdsec, engines: Engines) -> Said:
    """The sources of sshd's lines, the parsers, the scenario, and what was really parsed."""
    if (quiet := quiet_of(engines)) is not None:
        return quiet
    if _simulates(crowdsec):
        return False, "CrowdSec is in simulation mode: it decides nothing. cscli simulation disable --global"
    if not _decides(crowdsec.profiles):
        return False, (
            "profiles.yaml of CrowdSec has no profile that bans: alerts are written, and nobody is stopped. "
            "decisions: with type: ban in it"
        )
    if not any("sshd-logs" in each for each in crowdsec.parsers):
        return False, "CrowdSec has no parser of sshd's lines: cscli collections install crowdsecurity/sshd"
    if not any("ssh" in each for each in crowdsec.scenarios):
        return False, "CrowdSec has no scenario for SSH: cscli collections install crowdsecurity/sshd"
    mine = [
        each for each in crowdsec.sources if re.search(r"ssh|auth\.log|secure|syslog|messages", each.text)
    ]
    if not mine:
        return False, "CrowdSec reads nothing in which sshd logs: acquis.yaml"
    if all(each.kind not in _PARSED_TYPES for each in mine):
        return False, (
            f"CrowdSec reads sshd's lines under type: {mine[0].kind}, which no parser knows: they are read "
            "and not parsed. type: syslog in acquis.yaml"
        )
    failures = () if isinstance(engines.lines, Unknown) else failures_of(engines.lines)
    if len(failures) > 3 and crowdsec.read and not crowdsec.parsed:
        return False, "CrowdSec reads lines and parses none of them: cscli metrics"
    return True, ""
