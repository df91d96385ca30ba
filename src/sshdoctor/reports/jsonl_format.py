"""A line of JSON for each host, each what ``hosts`` of the JSON report has."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sshdoctor.model import HostReport
from sshdoctor.reports.json_format import host_entry


def render(reports: Sequence[HostReport], *, colour: bool = False, width: int = 80) -> str:
    return "".join(json.dumps(host_entry(report), ensure_ascii=True) + "\n" for report in reports)
