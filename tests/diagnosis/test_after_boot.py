"""A system on a disk: what another one answers at its address is not its answer; no client has met it yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from sshdoctor.checks.evaluate import Evaluated, Obstacle
from sshdoctor.diagnosis.after_boot import Foretold, at_most_likely, foretell, unheard
from sshdoctor.diagnosis.derived.dialled import dialled
from sshdoctor.facts import OFF
from sshdoctor.model import Cause, Login, Reply, Unknown
from unblock.test_forecast import ADDRESSES, HOST

ANY_CHECK: Any = None


def heard(word: str, login: Login) -> Any:
    reply = Reply(address=HOST, family="ipv4", port=22, word=word, sender=HOST)
    return dialled("ssh", login, reply, [reply], None, ADDRESSES, False)


def test_what_another_system_answers_at_the_address_is_set_aside(tmp_path: Path) -> None:
    login = Login(address=HOST, port=22, key_files=(str(tmp_path / "none"),))
    dial = unheard(heard("rst", login), login)
    assert (dial.off, dial.reply, dial.detail, dial.connected) == (True, OFF, OFF, OFF)
    assert (dial.methods, dial.missing_algorithm, dial.sender, dial.host_key) == (OFF, OFF, None, None)
    assert (dial.address, dial.port) == (HOST, 22)


def test_a_name_that_does_not_resolve_is_the_same_after_the_boot() -> None:
    login = Login(address="web1.example", port=22)
    assert unheard(heard("name-not-found", login), login).reply == "name-not-found"


def test_a_client_without_a_key_that_can_be_read_has_unknown_keys(tmp_path: Path) -> None:
    login = Login(address=HOST, port=22, key_files=(str(tmp_path / "none"),))
    assert isinstance(unheard(heard("rst", login), login).client_keys, Unknown)


class One(Struct, frozen=True):
    """A check's answer, by the replies of its obstacle; None: it found none."""

    reply: tuple[str, ...] | None

    @property
    def evaluated(self) -> Evaluated:
        obstacle = None
        if self.reply is not None:
            told: Any = {"id": "it", "check": "it", "layer": "daemon", "summary": "", "fix": ""}
            obstacle = Obstacle(**told, reply=self.reply, confidence="likely", evidence=())
        return Evaluated(check=ANY_CHECK, status="fail", summary=f"It gives {self.reply}.", obstacle=obstacle)


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ((), ""),
        ((None, None), ""),
        ((None, ("rst",), ("silence",)), "rst"),
        (((), ("any", "rst"), ("silence", "rst")), "silence"),
    ],
    ids=["no checks", "no obstacle", "the first", "a latent one and one that says nothing are passed over"],
)
def test_the_first_obstacle_that_a_client_sees_is_foretold(
    answers: tuple[tuple[str, ...] | None, ...], word: str
) -> None:
    judged = {str(number): One(reply).evaluated for number, reply in enumerate(answers)}
    told = foretell(judged)
    assert told.word == word
    assert told == Foretold("", "") or told.why.startswith(f"After the boot: It gives ('{word}'")


@pytest.mark.parametrize(
    ("ident", "before", "after"),
    [
        ("sshd-masked", "proved", "likely"),
        ("sshd-masked", "possible", "possible"),
        ("name-not-resolved", "proved", "proved"),
    ],
)
def test_only_what_a_client_has_met_is_proved(ident: str, before: Any, after: str) -> None:
    cause = Cause(id=ident, role="root", confidence=before, layer="daemon", summary="")
    assert at_most_likely(cause).confidence == after
