"""Ansible inventories in, Hosts out: what is dialled, and by which other ways a host is reached.

``load_hosts`` reads the inventory and gives the hosts that a pattern names; ``complete`` adds to one of
them what the user's own ssh_config says. They are apart because the second costs a process a host.
"""

from sshdoctor.inventory.client_config import complete
from sshdoctor.inventory.load import dialled_from, load_hosts, load_inventory, load_site
from sshdoctor.inventory.sites import Request, is_url, with_site
from sshdoctor.inventory.sources import find_sources
from sshdoctor.inventory.typed import TypedVariables
from sshdoctor.inventory.vault import OpenVault, password_in, vault_of

__all__ = [
    "OpenVault",
    "Request",
    "TypedVariables",
    "complete",
    "dialled_from",
    "find_sources",
    "is_url",
    "load_hosts",
    "load_inventory",
    "load_site",
    "password_in",
    "vault_of",
    "with_site",
]
