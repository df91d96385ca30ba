"""Predict, compare, rank: over the checks that are shipped, with obstacles made for the purpose."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from sshdoctor.checks.condition import Sentence
from sshdoctor.checks.evaluate import Evaluated, Obstacle
from sshdoctor.checks.load import Check
from sshdoctor.diagnosis.rank import agrees, merge, predict, rank
from sshdoctor.model import Status, Unknown
from sshdoctor.services import load

SSH = load("ssh")


def judged(
    layer: str,
    name: str,
    *reply: str,
    status: Status = "fail",
    confidence: str = "proved",
) -> Evaluated:
    check = Check(
        id=f"check-{name}",
        layer=layer,
        title=name,
        why="",
        facts=(),
        asked=None,
        after=(),
        explained_by=(),
        run="",
        causes=(),
        otherwise=Sentence(()),
        path=Path(),
    )
    obstacle = Obstacle(
        id=name,
        check=check.id,
        layer=layer,
        summary=f"{name}.",
        fix="",
        reply=reply,
        confidence=confidence,
        evidence=(),
    )
    return Evaluated(
        check=check,
        status=status,
        summary=name,
        obstacle=obstacle if status in ("fail", "warn") else None,
    )


DROP = judged("firewall", "drop", "silence")
STOPPED = judged("daemon", "stopped", "rst")
WRONG_USER = judged("authentication", "wrong-user", "auth-denied")
DISABLED = judged("daemon", "disabled", status="warn")
ELSEWHERE = judged("name", "elsewhere", "any", confidence="likely")
UNSEEN = judged("firewall", "unseen", status="unknown")


def ranked(*obstacles: Evaluated, reply: str) -> list[tuple[str, str, str]]:
    return [(cause.id, cause.role, cause.confidence) for cause in rank(obstacles, reply)]


def test_the_first_obstacle_whose_reply_was_seen_is_proved_and_hides_the_rest() -> None:
    assert ranked(DROP, STOPPED, WRONG_USER, reply="silence") == [
        ("drop", "root", "proved"),
        ("stopped", "behind", "likely"),
        ("wrong-user", "behind", "likely"),
    ]


def test_an_obstacle_that_the_client_came_past_is_no_cause() -> None:
    assert ranked(DROP, WRONG_USER, reply="auth-denied") == [("wrong-user", "root", "proved")]
    assert ranked(DROP, STOPPED, WRONG_USER, reply="ok") == []


def test_an_earlier_obstacle_that_did_not_answer_makes_the_later_one_only_likely() -> None:
    assert ranked(DROP, STOPPED, reply="rst") == [("stopped", "root", "likely"), ("drop", "behind", "likely")]


def test_what_hurts_only_later_is_latent_also_when_the_client_gets_in() -> None:
    assert ranked(DISABLED, reply="ok") == [("disabled", "latent", "likely")]


def test_a_cause_that_explains_any_reply_is_never_proved_and_gives_way_to_one_that_explains_this_one() -> (
    None
):
    assert ranked(ELSEWHERE, reply="silence") == [("elsewhere", "root", "likely")]
    assert ranked(ELSEWHERE, STOPPED, reply="rst")[0] == ("stopped", "root", "proved")
    assert ranked(ELSEWHERE, reply="ok") == []


def test_a_coarse_reply_names_the_cause_but_does_not_prove_it() -> None:
    assert ranked(STOPPED, reply="refused") == [("stopped", "root", "likely")]
    assert ranked(DROP, reply="refused") == [("drop", "behind", "likely")]


def test_with_no_obstacle_the_host_would_answer_with_a_banner() -> None:
    inside = predict([], "silence", SSH)
    assert inside.predicted == "banner"
    assert agrees(inside.predicted, "silence") is False
    assert agrees(inside.predicted, "auth-denied") is True


def test_nothing_is_predicted_past_what_could_not_be_seen() -> None:
    inside = predict([UNSEEN, STOPPED], "silence", SSH)
    assert isinstance(inside.predicted, Unknown)
    assert not inside.explains
    assert agrees(inside.predicted, "silence") is None


def test_an_obstacle_that_explains_the_reply_is_predicted_whatever_else_was_not_seen() -> None:
    assert predict([UNSEEN, STOPPED], "rst", SSH).predicted == "rst"


def test_what_could_not_be_seen_does_not_matter_once_the_client_came_past_it() -> None:
    assert predict([UNSEEN], "ok", SSH).predicted == "banner"


@pytest.mark.parametrize(
    ("predicted", "expected"), [("rst", None), ("icmp-port-unreachable", None), ("silence", False)]
)
def test_a_platform_that_cannot_tell_refusals_apart_leaves_the_agreement_open(
    predicted: str, expected: bool | None
) -> None:
    assert agrees(predicted, "refused") is expected


def test_the_causes_of_several_addresses_are_told_once_in_their_strongest_form() -> None:
    behind = rank([DROP, STOPPED], "silence")
    root = rank([STOPPED], "rst")
    assert [(c.id, c.role, c.confidence) for c in merge([behind, root])] == [
        ("drop", "root", "proved"),
        ("stopped", "root", "proved"),
    ]


def test_what_the_host_says_of_its_last_start_answers_no_client_that_hears_nothing() -> None:
    start = judged("daemon", "options", "rst")
    assert start.obstacle is not None
    said = replace(start, obstacle=replace(start.obstacle, said=True, of_start=True))
    assert [(cause.id, cause.role, cause.confidence) for cause in rank([DROP, said], "silence")] == [
        ("drop", "root", "proved"),
        ("options", "behind", "likely"),
    ]
    assert rank([said], "rst")[0].proof == "said"
