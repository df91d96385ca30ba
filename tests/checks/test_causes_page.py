"""The catalogue in docs/causes.md is what the checks say now."""

from checks.causes_page import PAGE, causes_page


def test_the_page_of_causes_is_written_from_the_checks() -> None:
    assert PAGE.read_text() == causes_page(), "`invoke docs` writes it anew"
