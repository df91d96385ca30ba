"""What the page needs and the rest of the program does not."""

from __future__ import annotations

from sshdoctor.errors import UsageError


def require() -> None:
    """Raises UsageError where it is not installed."""
    try:
        import itsdangerous  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        needed = "Starlette, uvicorn and itsdangerous: pip install 'sshdoctor[web]'"
        raise UsageError(f"unlock --serve needs {needed}") from None
