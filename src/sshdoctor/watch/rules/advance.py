"""One event after the other: what each does to the state, and what people are told.

The rules are those of the contract (``watch``); ``docs/watch.md`` has them in a person's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sshdoctor.watch.rules.memory import (
    HERE,
    LOST,
    Change,
    Event,
    Kind,
    Memory,
    Message,
    Round,
    Rules,
    State,
    Step,
    Vote,
)
from sshdoctor.watch.rules.verdict import judge

FLAPS, WITHIN, CALM = 4, 3600.0, 3
"""So many changes in so many seconds are flapping; so many equal looks end it."""


def advance(rules: Rules, memory: Memory, event: Event) -> Step:
    """What ``event`` does to a target that is remembered as ``memory``; events come in order of time."""
    turn = _Turn(rules, memory)
    turn.take(event)
    return Step(turn.memory, tuple(turn.changes), tuple(turn.messages))


class _Turn:
    """The work on one event."""

    def __init__(self, rules: Rules, memory: Memory) -> None:
        self.rules, self.memory = rules, memory
        self.changes: list[Change] = []
        self.messages: list[Message] = []
        self.changed = False
        """It changed in a way that people are told of."""

    def take(self, event: Event) -> None:
        self._notice_gap(event.at)
        if event.who == HERE:
            self._look(event)
        elif event.who in self.rules.witnesses:
            self._answer(event)
        else:
            self._happened(event)
        self._tell(event.at)

    def _keep(self, **fields: Any) -> None:
        self.memory = replace(self.memory, **fields)

    def _happened(self, event: Event) -> None:
        was = self.memory
        if event.who == "@line":
            self._keep(line_up=event.word != "down")
        elif event.who == "@maintenance":
            self._keep(maintenance=event.word == "start")
        elif event.who == "@optin":
            self._keep(joined=(*was.joined, event.word), left=_without(was.left, event.word))
        elif event.who == "@optout":
            self._keep(left=(*was.left, event.word), joined=_without(was.joined, event.word))
        elif event.who in ("@restart", "@kill") and was.round:
            self._keep(round=replace(was.round, resumed=True))

    def _notice_gap(self, at: float) -> None:
        """Nobody looked for two intervals: it is unknown from the time on at which somebody should have."""
        was, every = self.memory, self.rules.every
        if was.looked is None or at - was.looked < 2 * every:
            return
        since = was.looked + every
        self._keep(looked=None, round=None, unseen=True, owes_sees=was.known)
        self._keep(told_since=since if was.told_since is None else was.told_since)
        self._settle("unknown", since, "unknown", "nobody looked", since=since)

    def _look(self, event: Event) -> None:
        """One of this machine's: of the round that is under way, or one that was due."""
        under_way = self.memory.round
        if under_way and event.at < under_way.begun + self.rules.every:
            self._answer(event)
            return
        if under_way and not under_way.resumed:
            self._end_round(event.at)
        self._keep(looked=event.at, round=None, unseen=False)
        if event.word in self.rules.working:
            self._settle("up", event.at, event.word, event.note)
        elif self.memory.state == "down":
            self._keep(steady=self.memory.steady + 1)
        else:
            self._suspect(event)

    def _suspect(self, event: Event) -> None:
        was = self.memory
        since = event.at if was.wrong_since is None else was.wrong_since
        if was.state != "suspected":
            note = f"{event.word}; asked again, here and by {len(self.rules.witnesses)} witnesses"
            self._show("suspected", event.at, event.word, since, event.note or note)
        self._keep(wrong_since=since, round=Round(begun=event.at))

    def _answer(self, event: Event) -> None:
        """Somebody's look in a round; nobody is listened to where none is under way."""
        under_way = self.memory.round
        if under_way is None:
            return
        lost = event.word in LOST or (
            event.who == HERE and not self.memory.line_up and event.word not in self.rules.working
        )
        others = tuple(vote for vote in under_way.votes if vote.who != event.who)
        votes = (*others, Vote(event.who, "lost" if lost else event.word))
        self._keep(round=replace(under_way, votes=votes))
        if {vote.who for vote in votes} >= {HERE, *self.rules.witnesses}:
            self._end_round(event.at)

    def _end_round(self, at: float) -> None:
        under_way = self.memory.round
        assert under_way is not None  # noqa: S101 -- only then is it ended
        self._keep(round=None)
        said = judge(under_way.votes, self.rules, line_up=self.memory.line_up)
        self._settle(said.state, at, said.word, said.note, under_way.votes)

    def _settle(
        self,
        state: State,
        at: float,
        word: str,
        note: str = "",
        votes: Sequence[Vote] = (),
        since: float | None = None,
    ) -> None:
        """A state that is no suspicion."""
        was = self.memory
        first_good = state == "up" and not was.known
        if state != was.settled and not was.unseen and not first_good and not was.maintenance:
            recent = (time for time in was.changes if at - time < WITHIN)
            self._keep(changes=(*recent, at))
            self.changed = True
        if since is None:
            since = at if state == "up" or was.wrong_since is None else was.wrong_since
        if state != was.state:
            self._show(state, at, word, since, note, votes)
        self._keep(
            settled=state,
            known=was.known or state != "unknown",
            steady=was.steady + 1 if state == was.settled else 1,
            word=word,
        )

    def _show(
        self, state: State, at: float, word: str, since: float, note: str, votes: Sequence[Vote] = ()
    ) -> None:
        self._keep(state=state, word=word, since=since)
        self.changes.append(
            Change(at=at, state=state, word=word, since=since, witnesses=tuple(votes), note=note)
        )

    def _tell(self, at: float) -> None:
        """What people believe is made true, unless they are to be left in peace."""
        was = self.memory
        if was.state == "suspected" or was.unseen:
            return
        if not was.maintenance and not self._flaps(at):
            self._tell_state(at)
        if self.memory.state == "up":
            self._keep(wrong_since=None, owes_sees=False)
        elif self.memory.state == "down":
            self._keep(owes_sees=False)

    def _flaps(self, at: float) -> bool:
        """Whether changes are not told one by one; that is told once."""
        was = self.memory
        if was.told == "flapping":
            if was.steady < CALM:
                return True
            self._keep(changes=())
            return False
        if self.changed and len(was.changes) >= FLAPS:
            self._say("flapping", at, self.people, was.changes[0])
            self._keep(told="flapping")
            return True
        return False

    def _tell_state(self, at: float) -> None:
        was = self.memory
        if was.state == "down" and was.told != "down":
            since = was.told_since if was.told_down and was.told_since is not None else was.since
            self._say("down", at, self.people, since)
            told = tuple(dict.fromkeys((*was.told_down, *self.people)))
            self._keep(told="down", told_down=told, told_blind=(), told_since=since)
        elif was.state == "unknown" and was.known and was.told != "blind":
            self._say("blind", at, self.people, was.since)
            since = was.told_since if was.told_down else was.since
            self._keep(told="blind", told_blind=self.people, told_since=since)
        elif was.state == "up":
            self._tell_good(at)

    def _tell_good(self, at: float) -> None:
        was = self.memory
        if was.told_down:
            self._say("back", at, was.told_down, was.told_since)
        elif was.told_blind or was.owes_sees:
            self._say("sees", at, was.told_blind or self.people, was.told_since)
        self._keep(told="up", told_down=(), told_blind=(), told_since=None)

    @property
    def people(self) -> tuple[str, ...]:
        every = dict.fromkeys((*self.rules.people, *self.memory.joined))
        return tuple(one for one in every if one not in self.memory.left)

    def _say(self, kind: Kind, at: float, to: Sequence[str], since: float | None) -> None:
        last = self.changes[-1] if self.changes else None
        self.messages.append(
            Message(
                at=at,
                kind=kind,
                to=tuple(to),
                state=self.memory.state,
                word=self.memory.word,
                since=at if since is None else since,
                witnesses=last.witnesses if last else (),
                note=last.note if last else "",
            )
        )


def _without(names: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(one for one in names if one != name)
