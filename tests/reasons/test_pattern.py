"""Patterns are anchored and linear, and do not read what can be read in two ways."""

import time

import pytest

from sshdoctor.reasons.pattern import PatternError, parse_pattern


def test_a_pattern_gives_its_parts() -> None:
    match = parse_pattern("Permissions 0{mode:number} for '{path}' are too open.").match(
        "Permissions 0644 for '/etc/ssh/ssh_host_rsa_key' are too open."
    )
    assert match is not None
    assert match.parts == {"mode": "644", "path": "/etc/ssh/ssh_host_rsa_key"}


@pytest.mark.parametrize(
    "message",
    [
        "so Invalid user x from 192.0.2.1 port 9",
        "Invalid user x from 192.0.2.1 port 9 and more",
        "Invalid user x from elsewhere port 9",
        "Invalid user x from 192.0.2.1 port many",
        "",
    ],
)
def test_a_pattern_is_anchored_and_typed(message: str) -> None:
    assert parse_pattern("Invalid user {user} from {address} port {port}").match(message) is None


@pytest.mark.parametrize("address", ["192.0.2.1", "fd00::1", "fe80::1%eth0", "::ffff:192.0.2.1", "UNKNOWN"])
def test_an_address_of_either_family_is_read(address: str) -> None:
    match = parse_pattern("from {address} port {port}").match(f"from {address} port 22")
    assert match is not None
    assert match.parts["address"] == address


def test_a_peer_is_a_user_an_address_and_a_port() -> None:
    closed = parse_pattern("Connection closed by {peer}")
    match = closed.match("Connection closed by invalid user bob 192.0.2.1 port 9")
    assert match is not None
    assert match.parts == {"whose": "invalid", "user": "bob", "address": "192.0.2.1", "port": "9"}
    match = closed.match("Connection closed by fd00::1 port 9")
    assert match is not None
    assert match.parts == {"address": "fd00::1", "port": "9"}


def test_what_can_be_read_in_two_ways_is_left_out() -> None:
    failed = parse_pattern("Failed {method:word} for {user} from {address} port {port} ssh2: {text}")
    match = failed.match(
        "Failed publickey for root from 203.0.113.5 port 9 ssh2: RSA-CERT ID"
        " x from 198.51.100.9 port 22 ssh2: y"
    )
    assert match is not None
    assert not match.certain
    assert match.parts == {"method": "publickey"}


@pytest.mark.parametrize(
    ("says", "fault"),
    [
        ("", "empty"),
        ("User {name", "single {"),
        ("User name}", "single }"),
        ("{name:colour}", "the kinds are"),
        ("{a} of {b} of {c}", "at most two free parts"),
        ("{a} of {b} port {port}", "the second of them at the end"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(says: str, fault: str) -> None:
    with pytest.raises(PatternError, match=fault):
        parse_pattern(says)


@pytest.mark.parametrize(
    ("says", "unit"),
    [
        ("{user} from {address} port {port}: {text} end", " from 1.1.1.1 port 1: x"),
        ("a {user} from {address} port {port}", "a x from 1.1.1.1 port "),
        ("{path} is {text} by {port}", " is "),
        ("closed by {peer}: {text} end", "user x 1.1.1.1 port 1: "),
    ],
)
def test_a_hostile_message_takes_time_in_proportion_to_its_length(says: str, unit: str) -> None:
    try:
        pattern = parse_pattern(says)
    except PatternError:
        return  # such a pattern is refused, which is what holds this promise
    assert _seconds(pattern.match, unit * 4000) < 40 * max(_seconds(pattern.match, unit * 400), 1e-5)


def _seconds(match: object, message: str) -> float:
    assert callable(match)
    times = []
    for _ in range(5):
        start = time.thread_time()
        match(message)
        times.append(time.thread_time() - start)
    return min(times)
