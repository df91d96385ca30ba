"""The rules over looks that were written down: nothing is dialled, nobody is told."""

from __future__ import annotations

from collections.abc import Iterator

from sshdoctor.watch.lines import change_line, message_line
from sshdoctor.watch.recording import Recording
from sshdoctor.watch.rules import Event, Memory, Message, advance


def replay(recording: Recording) -> Iterator[str]:
    """The lines that a monitor would have printed."""
    memory, post = Memory(), _Post(recording)
    for event in recording.events:
        yield from post.before(event)
        step = advance(recording.rules, memory, event)
        memory = step.memory
        yield from (change_line(recording.target, recording.service, change) for change in step.changes)
        post.waiting += [(message, to) for message in step.messages for to in message.to]
    yield from post.send()


class _Post:
    """Messages on their way: written down with what they tell of, sent after that, in order."""

    def __init__(self, recording: Recording) -> None:
        self.recording, self.open = recording, True
        self.waiting: list[tuple[Message, str]] = []

    def before(self, event: Event) -> Iterator[str]:
        """What is sent before ``event``, or because of it: one that was killed had sent nothing yet."""
        if event.who == "@kill":
            yield from self.send(event.at)
            return
        yield from self.send()
        if event.who == "@notifier":
            self.open = event.word == "up"
            yield from self.send(event.at)

    def send(self, at: float | None = None) -> Iterator[str]:
        """All that wait; ``at`` is when, None: as soon as they were written."""
        if not self.open:
            return
        for message, to in self.waiting:
            when = message.at if at is None else at
            yield message_line(self.recording.target, self.recording.service, message, when, to)
        self.waiting.clear()
