"""What a service of PAM makes of one who comes: by what he types, and by his account alone."""

from __future__ import annotations

from typing import Literal

from sshdoctor.doors.factors import ANYBODY, AT_A_PASSWORD_PROMPT, NOBODY, TAKES, Sets, both
from sshdoctor.doors.model import Account, Setup
from sshdoctor.doors.pam.dispatch import Walk
from sshdoctor.doors.pam.login import Conversation, Login, tried
from sshdoctor.doors.pam.modules import call, established
from sshdoctor.doors.pam.stack import handlers
from sshdoctor.doors.undecided import Guesses

Credentials = Literal["none", "kept", "anew"]


class Service:
    """``name`` is the service's; ``address`` and ``caller`` as in Login."""

    def __init__(
        self, setup: Setup, name: str, guesses: Guesses, *, address: str = "", caller: Account | None = None
    ) -> None:
        self._setup, self._name, self._guesses = setup, name, guesses
        self._address, self._caller = address, caller

    def authenticated(
        self, account: Account, *, nulls: bool = True, single: bool = False, credentials: Credentials = "none"
    ) -> Sets:
        """The sets of factors that its auth stack takes; ``single``: one text answers all its questions, as
        sshd's method password does. ``credentials``: who calls it goes on only if these are established, too
        (pam_setcred): "kept", by what the stack has just said; "anew", by a process that was not told, as
        where sshd's keyboard-interactive asks; "none": they do not matter. Raises Undecided."""
        stack, debian = handlers(self._setup.services, self._name, "auth"), self._setup.debian

        def attempt(conversation: Conversation) -> bool:
            login = self._login(account, nulls, conversation)
            walk = Walk(stack, lambda line: call(login, "auth", line))
            agreed = walk.result() == "success"
            if not agreed or credentials == "none":
                return agreed
            frozen = walk.returned if credentials == "kept" else {}
            again = Walk(stack, lambda line: established(login, line), frozen, jumps_agree=not debian)
            return again.result() == "success"

        texts = AT_A_PASSWORD_PROMPT if single and not self._setup.code_as_password else tuple(TAKES)
        return tried(attempt, texts, single=single)

    def accepted(self, account: Account) -> Sets:
        """What its account stack asks beside: nothing, the password to be changed, or nobody gets in."""
        stack = handlers(self._setup.services, self._name, "account")
        login = self._login(account, nulls=True, conversation=None)
        said = Walk(stack, lambda line: call(login, "account", line)).result()
        if said == "new_authtok_reqd" and account.credential == "set":
            return frozenset({frozenset({"password"})})
        return ANYBODY if said == "success" else NOBODY

    def entered(self, account: Account, credentials: Credentials = "kept") -> Sets:
        """The sets of factors that pass both stacks."""
        accepted = self.accepted(account)
        return both(self.authenticated(account, credentials=credentials), accepted) if accepted else NOBODY

    def _login(self, account: Account, nulls: bool, conversation: Conversation | None) -> Login:
        return Login(
            self._setup,
            account,
            self._name,
            self._guesses,
            address=self._address,
            caller=self._caller,
            nulls=nulls,
            conversation=conversation,
        )
