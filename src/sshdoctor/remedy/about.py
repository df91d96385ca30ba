"""What a remedy is, in lines that the host keeps: for whoever is asked, later, whether it is to be undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.model import Unknown
from sshdoctor.remedy.plan import Step
from sshdoctor.services import works


def about(before: Diagnosis, steps: Sequence[Step]) -> str:
    """The playbooks by title, and what was so before them, and so will be again without them."""
    return "\n".join(line.replace("\n", " ") for line in (*_done(steps), *_so_again(before, steps)))


def _done(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield f"did: {step.playbook.title} ({step.playbook.id})"


def _so_again(before: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    mended = {ident for step in steps for ident in step.mends}
    for cause in before.report.causes:
        if cause.id in mended:
            yield f"then again: {cause.id}: {cause.summary}"
    for reply, client in zip(before.report.outside, clients(before), strict=False):
        if client and not works(reply.word):
            where = f"{reply.address} port {reply.port}"
            yield f"then {client} is shut out of {where} again, as it was: {reply.word}"


def clients(diagnosis: Diagnosis) -> list[str]:
    """This client's address, as the host sees it, for each address dialled; "" where that is not known."""
    found = [face.get("client_address") for face in diagnosis.facts]
    return ["" if one is None or isinstance(one, Unknown) else str(one) for one in found]
