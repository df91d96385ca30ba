"""The way back in by mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sshdoctor.cli.help_texts import HOST_HELP
from sshdoctor.commands.shared.host_task import host_task

if TYPE_CHECKING:
    from sshdoctor.commands.shared.options import Options


@host_task(
    {**HOST_HELP, "host": f"{HOST_HELP['host']} (default: all of the inventory)"},
    without_host=["serve", "unit"],
    iterable=["owner", "trusted_proxy"],
    serve="serve the page, until it is ended",
    url="URL: the page's own address, as people type it: https://unlock.example.org",
    owner="ADDRESS: who is told by mail of every use (repeatable)",
    mail_from="ADDRESS: from whom the mails are",
    state="FILE: what is remembered, one SQLite file; it holds the key, and is this user's alone",
    listen="ADDRESS:PORT: where it listens, behind a web server that has TLS (default 127.0.0.1:8022)",
    trusted_proxy="ADDRESS: a web server before it, or a network: its X-Forwarded-For counts (repeatable)",
    smtp="URL: the mail server: smtp://HOST[:PORT], smtps://USER@HOST (default smtp://localhost)",
    smtp_password_file="FILE: that user's password",  # noqa: S106  # a help text
    unit="print a unit of systemd that runs this command",
)
def unlock(
    options: Options,
    owner: Sequence[str],
    trusted_proxy: Sequence[str],
    serve: bool = False,
    url: str = "",
    mail_from: str = "",
    state: str = "",
    listen: str = "127.0.0.1:8022",
    smtp: str = "smtp://localhost",
    smtp_password_file: str = "",
    unit: bool = False,
) -> int:
    """Serve the page by which a person who was banned lets their own address in again, by mail."""
    from sshdoctor.commands.unlock import UnlockOptions, run, run_unit

    if unit:
        return run_unit()
    wish = UnlockOptions(
        url=url,
        sender=mail_from,
        owners=tuple(owner),
        state=state,
        listen=listen,
        smtp=smtp,
        password_file=smtp_password_file,
        proxies=tuple(trusted_proxy),
    )
    return run(options, wish, serve=serve)
