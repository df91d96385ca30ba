"""Every error that sshdoctor raises for people, in one tree; some stand where their kind of text is read.

SshdoctorError            shown once, at the top, with the next step
├── InputError            exit 2: the message names file and line, and what would be right
│   ├── DocumentError     a file that is no YAML
│   ├── UsageError        a flag, a host name, a pattern
│   ├── InventoryError    an inventory that cannot be read
│   ├── CheckError        a check that cannot be read; carries every fault of the file
│   ├── ConditionError    an expression or sentence of a check (checks/condition.py)
│   ├── CaptureError      a capture that is none, is damaged beyond use, too old, or of another host
│   ├── PlaybookError     a playbook that cannot be run as it stands; carries every fault of the file
│   ├── JinjaError        a template or condition of a playbook (remedy/playbook/expression.py)
│   ├── ReasonsError      a list of what programs say (reasons/entry.py)
│   └── PatternError      one wording of such a list (reasons/pattern.py)
├── AccessError           a way in that did not work; carries the reply word
│   ├── LoginError        a login that failed, with what was learnt meanwhile (access/base.py)
│   └── ResolverError     a resolver that gave no answer (outside/resolve.py)
├── RescueError           nobody fetched the rescue script, or nothing came back
├── RemedyError           a remedy, or an undo, that could not be done
├── MailError             a mail that could not be sent (unlock/mail.py)
├── StoreError            what a watch remembers cannot be written now (watch/store.py)
├── DemoError             no throw-away host can be made on this machine
└── RulesError            a firewall dump that is none
"""

from __future__ import annotations


class SshdoctorError(Exception):
    """The base of all errors meant for people: ``str(error)`` is the message."""


class InputError(SshdoctorError):
    """What the person gave cannot be used (exit 2)."""


class DocumentError(InputError):
    """A file that is no YAML, or repeats a key; the message starts with ``file:line:``."""


class UsageError(InputError):
    """A flag, a host name or a pattern that means nothing."""


class InventoryError(InputError):
    """An inventory that cannot be read; the message starts with ``file:line:``."""


class CheckError(InputError):
    """A check that cannot be loaded; ``faults`` has every fault found, as ``file:line: what``."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class CaptureError(InputError):
    """A capture that cannot be used: none at all, damaged, too old, of another host."""


class PlaybookError(InputError):
    """A playbook that cannot be run; ``faults`` has every fault found, as ``file:line: what``."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class AccessError(SshdoctorError):
    """A way in that did not work.

    ``word`` is a reply word of the contract (``auth-denied``, ``rst`` ...) or, for ways that dial
    nothing, a plain word such as ``not-running``; ``detail`` says more in one line. ``stage`` is where on the
    way it failed ("jump ops@198.51.100.1", "proxy command"), "" at the end of the way itself.
    """

    def __init__(self, word: str, detail: str = "", *, stage: str = "") -> None:
        super().__init__(f"{word}: {detail}" if detail else word)
        self.word = word
        self.detail = detail
        self.stage = stage


class RescueError(SshdoctorError):
    """The rescue script was offered, and no capture came back; the message says what was waited for."""


class RulesError(SshdoctorError):
    """Text that is no firewall dump; the message says what was expected."""


class RemedyError(SshdoctorError):
    """A remedy, or an undo, that could not be done; the message says what is left as it was (exit 4)."""


class DemoError(SshdoctorError):
    """No throw-away host can be made on this machine; the message says what it takes."""
