"""A host whose key this machine has never seen: is it the key that the host itself has?

Only another way in can tell: who answers at the address says what he likes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sshdoctor.model import AccessUsed, Reply

UNKNOWN_KEY = "host-key-unknown"


def shown_inside(facts: Sequence[Mapping[str, object]], used: AccessUsed) -> bool | None:
    """Whether the key that was shown is one of the host's own; None where that was not seen, or not asked."""
    if used.via is None:
        return None
    compared = [_compared(face) for face in facts if getattr(face.get("dialled"), "reply", "") == UNKNOWN_KEY]
    if False in compared:
        return False
    return True if compared and None not in compared else None


def _compared(face: Mapping[str, object]) -> bool | None:
    dialled, keys = face.get("dialled"), face.get("host_keys")
    shown, own = getattr(dialled, "host_key", None), getattr(keys, "fingerprints", None)
    if not shown or not own:
        return None
    if shown not in own and getattr(keys, "state", "") != "present":
        return None
    return shown in own


def contact_notes(failed: Reply, shown: bool | None) -> list[str]:
    """What to know before the key is accepted."""
    if failed.word != UNKNOWN_KEY or shown is None:
        return []
    if shown:
        return ["It is the host's own key: the same one was found inside, by the other way in."]
    return [
        "It is none of the keys in the host's own files: another machine or another server answers there, or "
        "the keys were replaced since the server started. Do not accept it before you know which."
    ]
