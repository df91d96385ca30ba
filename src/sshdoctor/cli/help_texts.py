"""What several commands say of the flags that they share."""

from __future__ import annotations

HOST_HELP = {
    "host": "HOST: a host, group, pattern, comma list, or user@address:port; also without --host",
    "inventory": "FILE: an Ansible inventory (repeatable)",
    "limit": "PATTERN: of those hosts, only these",
    "list-hosts": "say which hosts are meant, and do nothing",
    "format": "FORMAT: text, json, jsonl, junit, html, markdown, prometheus, ticket",
    "output": "FILE: write the report there",
    "jobs": "N: hosts at a time (default 16)",
    "timeout": "SECONDS: how long each answer is waited for (default 4)",
    "outside-only": "do not look inside",
    "only": "NAME: a layer or a check (repeatable)",
    "user": "NAME: log in as this user, where the inventory names none",
    "private-key": "FILE: log in with this key, where the inventory names none",
    "ask-pass": "ask for the login's password",
    "become": "become root on the host, with sudo",
    "ask-become-pass": "ask for sudo's password",
    "extra-vars": "NAME=VALUE: a variable that holds over the inventory's; or YAML (repeatable)",
    "vault-password-file": "FILE: the password of Ansible Vault; a program prints it",
    "ask-vault-pass": "ask for the password of Ansible Vault",
    "known-hosts": "FILE: use this known_hosts",
    "accept-new-host-key": "accept a first host key, never a changed one",
    "lang": "LANG: en or ja, for ticket and markdown",
    "mask": "replace addresses, names and fingerprints in the report",
    "quiet": "no progress; as text, the hosts alone of which there is something to say",
    "verbose": "say what is done, and after how long; -vvv shows the protocol of the login, too",
}

SITE_HELP = {
    "on": "HOST: the inventory's host to look into for a URL",
    "method": "METHOD: of a URL: GET, POST, ... (default HEAD, then GET)",
    "header": "HEADER: of a URL, as NAME: VALUE (repeatable)",
    "user_agent": "NAME: of a URL: what to call oneself",
    "data": "FILE: of a URL: send this file",
    "ca": "FILE: of a URL: trust the authority of this certificate as well",
    "ipv4": "of a URL: IPv4 alone",
    "ipv6": "of a URL: IPv6 alone",
}

FROM_HELP = {"from_": "HOST: of a URL: have this host of the inventory dial it, in the place of this machine"}

CHANGE_HELP = {
    "check": "change nothing, say what would be",
    "diff": "show what would change in files",
    "yes": "ask nothing",
    "guard": "SECONDS: after these a change undoes itself unless it is confirmed (default 60)",
    "source": "WHO: open the firewall for any, or for a network, instead of this client alone",
    "for_": "TIME: open what refuses a URL, for this client alone, for 15m, 2h, ...: then the host closes it",
}
