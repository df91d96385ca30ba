"""Mails by SMTP, made by the standard library, which lets no line break into a header."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from sshdoctor.errors import SshdoctorError, UsageError
from sshdoctor.model import Secret
from sshdoctor.unlock.words import Language

_PATIENCE = 20.0


class MailError(SshdoctorError):
    """A mail that could not be sent; the message names nobody. ``final``: nor could it be later."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class Server(Struct, frozen=True, kw_only=True):
    """Where mails are handed in."""

    host: str
    port: int
    tls: bool
    """From the first byte on; else STARTTLS, unless it is this machine itself."""
    user: str = ""
    password: Secret | None = None

    @property
    def is_here(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def server_of(url: str, password: Secret | None) -> Server:
    """``smtp://[USER@]HOST[:PORT]`` or ``smtps://``. Raises UsageError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise UsageError("--smtp: a URL is needed, as smtp://localhost or smtps://unlock@mail.example.org")
    if parts.password is not None:
        raise UsageError("--smtp: the password stands in a file: --smtp-password-file FILE")
    if bool(parts.username) != (password is not None):
        raise UsageError("--smtp-password-file and the user in --smtp go together")
    tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=port or (465 if tls else 587 if password else 25),
        tls=tls,
        user=parts.username or "",
        password=password,
    )


class Mailer:
    """Sends from ``sender``, by whose domain it calls itself."""

    def __init__(self, server: Server, sender: str) -> None:
        self._server, self._sender, self._domain = server, sender, sender.rpartition("@")[2]

    def send(self, name: str, language: Language, to: Sequence[str], **values: str) -> None:
        """The mail of that name. Blocks. Raises MailError."""
        mail = self.made(name, language, to, **values)
        try:
            self._hand_in(mail, to)
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise MailError(f"the mail server refused whom it was for: {code}", final=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise MailError(f"the mail server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise MailError(f"the mail server cannot be used: {why}") from None

    def made(self, name: str, language: Language, to: Sequence[str], **values: str) -> EmailMessage:
        said = language.mails[name]
        mail = EmailMessage(SMTP)
        mail["From"], mail["To"] = self._sender, ", ".join(to)
        mail["Subject"] = said.title.format(**values)
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=self._domain)
        mail["Auto-Submitted"] = "auto-generated"
        text = "\n\n".join(part.format(**values) for part in said.text) + "\n"
        mail.set_content(text, cte="7bit" if text.isascii() else "base64")
        return mail

    def _hand_in(self, mail: EmailMessage, to: Sequence[str]) -> None:
        server, context = self._server, ssl.create_default_context()
        if server.tls:
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, self._domain, timeout=_PATIENCE, context=context
            )
        else:
            session = smtplib.SMTP(server.host, server.port, self._domain, timeout=_PATIENCE)
        try:
            if not server.tls and not server.is_here:
                session.starttls(context=context)
            if server.password is not None:
                session.login(server.user, server.password.reveal())
            session.send_message(mail, self._sender, list(to))
        finally:
            with suppress(OSError, smtplib.SMTPException):  # what was taken is not to be sent again
                session.quit()
