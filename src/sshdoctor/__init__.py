"""Finds out, from both sides, why a client cannot get in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sshdoctor.api import Report, diagnose, remediate

__version__ = "0.1.0"
__all__ = ["Report", "__version__", "diagnose", "remediate"]


def __getattr__(name: str) -> Any:
    """What the program's own start need not pay for."""
    if name in ("Report", "diagnose", "remediate"):
        from sshdoctor import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
