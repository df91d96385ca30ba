"""``python -m sshdoctor.cli``."""

from __future__ import annotations

from sshdoctor.cli import main

if __name__ == "__main__":
    main()
