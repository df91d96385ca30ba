"""One login as PAM's modules see it: who, by which service, from where, and what is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sshdoctor.doors.factors import EMPTY, TAKES, Sets, Typed, smallest
from sshdoctor.doors.model import Account, Setup
from sshdoctor.doors.undecided import Guesses

Answering = Callable[["Conversation"], bool]
"""Whether a login succeeds with what a conversation answers."""
_LONGEST = 5
"""So many prompts one login may have."""


class MoreNeededError(Exception):
    """A prompt to which no answer has been chosen yet."""

    def __init__(self, key: bool) -> None:
        super().__init__()
        self.key = key


class Conversation:
    """Answers prompts with ``answers``, in their order; ``single``: with the first alone, as sshd's method
    password does, which answers no question that is shown as it is typed."""

    def __init__(self, answers: Sequence[Typed | bool], *, single: bool = False) -> None:
        self._answers, self._single, self._asked = answers, single, 0

    def ask(self, *, shown: bool = False) -> Typed | None:
        """What is typed; None where the client does not answer."""
        if self._single and shown:
            return None
        answer = self._next(key=False)
        assert isinstance(answer, Typed)  # noqa: S101 -- a prompt is answered by text
        return answer

    def touch(self) -> bool:
        """Whether a security key is there and touched."""
        return not self._single and self._next(key=True) is True

    def _next(self, *, key: bool) -> Typed | bool:
        at = 0 if self._single else self._asked
        self._asked += 1
        if at >= len(self._answers):
            raise MoreNeededError(key)
        return self._answers[at]


class Login:
    """``service`` is PAM's; ``address`` "" where nobody comes over a network; ``caller`` is who calls su."""

    def __init__(
        self,
        setup: Setup,
        account: Account,
        service: str,
        guesses: Guesses,
        *,
        address: str = "",
        caller: Account | None = None,
        nulls: bool = True,
        conversation: Conversation | None = None,
    ) -> None:
        self.setup, self.account, self.service, self.guesses = setup, account, service, guesses
        self.address, self.caller, self.nulls = address, caller, nulls
        self.conversation = conversation or Conversation(())
        self.token: Typed | None = None
        """PAM_AUTHTOK."""

    def typed(self, arguments: Sequence[str]) -> Typed | None:
        """The password, as pam_get_authtok() has it: what an earlier module asked for stands."""
        if self.token is None and not any(word.startswith("use_first_pass") for word in arguments):
            self.token = self.conversation.ask()
        return self.token


def tried(attempt: Answering, texts: Sequence[Typed] = tuple(TAKES), *, single: bool = False) -> Sets:
    """What of ``texts`` has to be typed for ``attempt`` to succeed: the smallest sets of factors."""
    return smallest(_successes(attempt, (), texts, single))


def _successes(
    attempt: Answering, answers: tuple[Typed | bool, ...], texts: Sequence[Typed], single: bool
) -> Iterator[frozenset[str]]:
    try:
        if attempt(Conversation(answers, single=single)):
            yield frozenset().union(*map(_takes, answers))
    except MoreNeededError as more:
        choices: Sequence[Typed | bool] = (True, False) if more.key else texts
        if len(answers) < _LONGEST:
            for choice in choices:
                yield from _successes(attempt, (*answers, choice), texts, single)


def _takes(answer: Typed | bool) -> frozenset[str]:
    if isinstance(answer, Typed):
        return frozenset() if answer == EMPTY else TAKES[answer]
    return frozenset({"security-key"}) if answer else frozenset()
