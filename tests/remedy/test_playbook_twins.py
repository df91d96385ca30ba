"""``ansible-playbook`` brings a host to the same end state as this project does: twins are compared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hosts import engine
from hosts.client import Client
from hosts.state import differences
from hosts.testbed import Testbed
from remedy.twins import IMAGES, NOT_HERE, VARIANTS, Pair, Run, pairs, run_ansible, run_ours

PAIRS = list(pairs())
UNSEEN = {
    playbook: [pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True)]
    for playbook, reason in NOT_HERE.items()
}

# A unit that is reloaded while it starts may lose its daemon; sshd listens before systemd knows of it.
SETTLED = "[ ! -d /run/systemd/system ] || until systemctl is-active --quiet ssh; do sleep 0.1; done"


@pytest.fixture(scope="module")
def twins(testbed: Testbed) -> Testbed:
    """The test bed, with the images that Ansible can enter."""
    built = engine.prepare_images(sorted({*IMAGES.values()}))
    return replace(testbed, images={**testbed.images, **built})


def test_every_variant_is_a_scenario_of_a_playbook() -> None:
    tried = {(pair.playbook, pair.scenario.name) for pair in PAIRS if pair.scenario}
    assert {(playbook, name) for playbook, names in VARIANTS.items() for name in names} <= tried


@pytest.mark.long
@pytest.mark.containers
@pytest.mark.parametrize(
    "pair", [pytest.param(pair, id=pair.name, marks=UNSEEN.get(pair.playbook, [])) for pair in PAIRS]
)
def test_ansible_comes_to_the_same_end_state(pair: Pair, twins: Testbed, tmp_path: Path) -> None:
    scenario = pair.scenario
    assert scenario, f"no scenario has a cause that {pair.playbook} mends: add one to tests/hosts/scenarios"

    def broken_and_mended(by: Callable[[Client, str, int], Run]) -> Run:
        folder = tmp_path / by.__name__
        folder.mkdir()
        with twins.host(IMAGES[scenario.image]) as host:
            host.run(SETTLED)
            scenario.break_host(host)
            return by(Client(scenario.dial, host, twins, folder), pair.playbook, scenario.expect.seconds)

    with ThreadPoolExecutor() as both:
        ours, theirs = both.map(broken_and_mended, (run_ours, run_ansible))
    assert ours.changed
    assert theirs.changed
    assert differences(ours.state, theirs.state) == []
