"""The names of types of service: RFC 2474, 2597, 3246, 5865, 8622 and 1349."""

from __future__ import annotations

DSCP = {
    "be": 0, "df": 0, **{f"cs{i}": 8 * i for i in range(8)},
    **{f"af{c}{d}": 8 * c + 2 * d for c in range(1, 5) for d in range(1, 4)},
    "ef": 46, "va": 44, "le": 1, "lephb": 1,
}  # fmt: skip
ECN = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}
TOS = {
    "minimize-delay": 0x10, "maximize-throughput": 0x08, "maximize-reliability": 0x04, "minimize-cost": 0x02,
    "normal-service": 0,
}  # fmt: skip
