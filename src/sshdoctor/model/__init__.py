"""The frozen values that travel between the rooms: what is dialled, what came back, what was found."""

from sshdoctor.model.host import Become, Host, Login, Site, WayIn
from sshdoctor.model.repair import Outcome, Planned, Repair, TaskResult, TaskStatus
from sshdoctor.model.reply import Answer, Certificate, Exchange, Family, Hop, Neighbour, Reply
from sshdoctor.model.report import (
    AccessUsed,
    Attempt,
    Cause,
    Confidence,
    Finding,
    HostReport,
    Prediction,
    Proof,
    Role,
    Status,
    Verdict,
)
from sshdoctor.model.words import Command, Evidence, Secret, Unknown, endpoint, is_address

__all__ = [
    "AccessUsed",
    "Answer",
    "Attempt",
    "Become",
    "Cause",
    "Certificate",
    "Command",
    "Confidence",
    "Evidence",
    "Exchange",
    "Family",
    "Finding",
    "Hop",
    "Host",
    "HostReport",
    "Login",
    "Neighbour",
    "Outcome",
    "Planned",
    "Prediction",
    "Proof",
    "Repair",
    "Reply",
    "Role",
    "Secret",
    "Site",
    "Status",
    "TaskResult",
    "TaskStatus",
    "Unknown",
    "Verdict",
    "WayIn",
    "endpoint",
    "is_address",
]
