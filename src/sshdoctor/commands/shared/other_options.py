"""Options that other programs have and this one has not, each with what to type instead."""

from __future__ import annotations

_MODULE = "it runs no modules of Ansible's; `sshdoctor playbooks` lists what it repairs with"
_VARIABLE = "say it in the inventory, or type -e {}"
_VAULT = "type --vault-password-file FILE, or --ask-vault-pass"

ANSWERS = {
    "m": _MODULE,
    "module-name": _MODULE,
    "a": _MODULE,
    "args": _MODULE,
    "c": _VARIABLE.format("ansible_connection=podman"),
    "connection": _VARIABLE.format("ansible_connection=podman"),
    "ssh-common-args": _VARIABLE.format("'ansible_ssh_common_args=-J user@jump'"),
    "ssh-extra-args": _VARIABLE.format("'ansible_ssh_extra_args=-o Name=value'"),
    "become-user": _VARIABLE.format("ansible_become_user=NAME"),
    "become-method": "only sudo is known",
    "become-password-file": "type -K, or set ansible_become_password in a vault",
    "connection-password-file": "type -k, or set ansible_password in a vault",
    "port": "a port stands with the host: user@address:2222; or type -e ansible_port=2222",
    "p": "a port stands with the host: user@address:2222; or type -e ansible_port=2222",
    "F": "a configuration of ssh is read where ssh looks for it; -e 'ansible_ssh_common_args=-o Name=value' "
    "sets one option",
    "vault-id": _VAULT,
    "vault-pass-file": _VAULT,
    "t": "there are no tags; --only LAYER_OR_CHECK asks less",
    "tags": "there are no tags; --only LAYER_OR_CHECK asks less",
    "skip-tags": "there are no tags; --only LAYER_OR_CHECK asks less",
    "step": "every playbook is asked for, one by one, without --yes",
    "start-at-task": "a playbook runs whole; `sshdoctor playbook NAME --check` says what it would do",
    "list-tasks": "type --check, which says what would be done",
    "list-tags": "there are no tags",
    "syntax-check": "`sshdoctor playbooks` reads them all, and says what is wrong in one",
    "flush-cache": "nothing is kept between two runs",
    "force-handlers": "a repair that fails is rolled back whole",
    "one-line": "type --format jsonl",
    "json": "type --format json",
    "dry": "type --check to remediate or playbook: nothing is changed then",
    "dry-run": "type --check to remediate or playbook: nothing is changed then",
    "R": "type --check to remediate or playbook: nothing is changed then",
    "background": "nothing runs in the background; --jobs says how many hosts at a time",
    "poll": "nothing runs in the background; --jobs says how many hosts at a time",
    "become-pass": "type -K",
    "password": "a password is typed with -k, where nobody can read it",
    "config": "there is no configuration file of its own; ansible.cfg is read where Ansible reads it",
}
"""By the name of the option, without its dashes."""
