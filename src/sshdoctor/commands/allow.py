"""The commands ``allow`` and ``unban``: addresses in the book of what bans, under guard, like any repair."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_network

from sshdoctor.commands.shared.changes import ChangeOptions, agree, choice_of, work_on_each
from sshdoctor.commands.shared.options import Options
from sshdoctor.diagnosis.pipeline import Diagnosis
from sshdoctor.errors import UsageError
from sshdoctor.inventory import complete
from sshdoctor.inventory.folders import playbook_folders
from sshdoctor.model import Host, HostReport
from sshdoctor.remedy.setup import RepairSetup

_UNBAN = "end-bans"


def allow(options: Options, wish: ChangeOptions, addresses: Sequence[str], *, remove: bool) -> int:
    """Put ``addresses``, or else your own, on the allow-list, or take them off it. Raises UsageError."""
    if everybody := [each for each in addresses if not remove and _is_everybody(each)]:
        raise UsageError(
            f"--address {everybody[0]}: then nobody is ever banned; protect --off takes it all away"
        )
    return _run(options, wish, "allow-addresses", "allow_addresses", addresses, {"allow_remove": remove})


def unban(options: Options, wish: ChangeOptions, addresses: Sequence[str]) -> int:
    """End the bans of ``addresses``, or else of your own. Raises UsageError."""
    return _run(options, wish, _UNBAN, "unban_addresses", addresses, {})


def _run(
    options: Options,
    wish: ChangeOptions,
    name: str,
    variable: str,
    addresses: Sequence[str],
    more: dict[str, object],
) -> int:
    choice, typed = choice_of(wish, ()), [_plain(each) for each in addresses]
    folders = playbook_folders(options.sources)

    def work(host: Host, before: Diagnosis, setup: RepairSetup) -> HostReport:
        from sshdoctor.protection.standing import standing
        from sshdoctor.protection.yours import your_addresses
        from sshdoctor.remedy.named import refused, run_named
        from sshdoctor.remedy.playbook.load import load_playbook

        seen = [view.client for view in before.inside.views]
        whom = typed or your_addresses(seen, before.facts[0].get("addresses"))
        file = next(each for folder in reversed(folders) for each in folder.glob(f"{name}.yml"))
        if name == _UNBAN:
            found = standing(whom, _held(host, before, setup))
            if found.refused:
                return refused(host, before, found.refused)
            whom = found.whom
        variables = {variable: list(whom), **more}
        asked = partial(agree, wish=wish)
        return run_named(host, before, setup, choice, asked, named=[(load_playbook(file), variables)])

    return work_on_each(options, work, wish)


def _held(host: Host, before: Diagnosis, setup: RepairSetup) -> Sequence[str]:
    """Who stands banned there; nobody, where that is not told."""
    from sshdoctor.diagnosis.asked import ask_through

    access = before.inside.access
    if access is None:
        return ()
    client = before.inside.views[0].client or ""
    asked = ask_through(access, complete(host), ("banned",), client, setup.probing)
    return getattr(asked.facts["banned"], "elements", ())


def _is_everybody(text: str) -> bool:
    return text.endswith("/0")


def _plain(text: str) -> str:
    """An address or a network as fail2ban writes it. Raises UsageError."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"--address {text}: an address, or a network such as 192.0.2.0/24") from None
    return str(network.network_address if network.num_addresses == 1 else network)
