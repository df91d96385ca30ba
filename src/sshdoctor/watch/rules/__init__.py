"""When a service is up, suspected, down or unknown, and what people are told; nothing is dialled here."""

from sshdoctor.watch.rules.advance import advance
from sshdoctor.watch.rules.memory import Change, Event, Memory, Message, Rules, Step, Vote

__all__ = ["Change", "Event", "Memory", "Message", "Rules", "Step", "Vote", "advance"]
