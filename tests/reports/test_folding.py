"""Lines of a letter: never wider than they may be, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from sshdoctor.reports.layout.folding import fold, width

WORDS = st.text(
    st.sampled_from(["a", "7", "-", ":", " ", "\n", "接", "ー", "、", "。", "「", "」", "（", "）"]),  # noqa: RUF001
    max_size=60,
)


@given(WORDS, st.integers(12, 40), st.sampled_from(["", "  - ", " 12. "]))
def test_no_line_is_wider_than_allowed_and_no_word_is_lost(text: str, columns: int, first: str) -> None:
    folded = fold(text, first, columns=columns)
    assert max(width(line) for line in folded.split("\n")) <= columns
    assert "".join(folded.split()) == "".join((first + text).split())


def test_a_japanese_line_does_not_begin_with_what_ends_a_sentence() -> None:
    lines = fold("接続できません。確認、お願いします（至急）。" * 9, columns=20).split("\n")  # noqa: RUF001
    assert not any(line[0] in "。、）" for line in lines)  # noqa: RUF001
    assert not any(line[-1] in "（" for line in lines)  # noqa: RUF001


def test_an_address_stays_in_one_piece() -> None:
    assert "198.51.100.7" in fold("Please allow TCP port 22 from 198.51.100.7 to 203.0.113.2", columns=40)


def test_a_word_that_no_line_can_hold_is_cut() -> None:
    assert fold("a" * 30, "  ", columns=12) == "\n".join("  " + "a" * 10 for _ in range(3))
