"""What an action cannot do as Ansible does it is refused before anything runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sshdoctor.remedy import modules as actions
from sshdoctor.remedy.playbook.arguments import bind

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("file", {"path": "etc/motd"}, "whole path"),
    ("file", {"path": "~/.ssh"}, "whole path"),
    ("file", {"path": "/home/$USER"}, "without $"),
    ("file", {"path": "/a", "mode": "rw-r--r--"}, "mode"),
    ("file", {"path": "/a", "mode": "0999"}, "mode"),
    ("file", {"path": "/a", "mode": "4755"}, "as its owner"),
    ("file", {"path": "/a", "mode": "u=rwxs"}, "as its owner"),
    ("copy", {"dest": "/a", "content": "", "mode": "02755"}, "as its owner"),
    ("file", {"path": "/a", "src": "/b"}, "state: link"),
    ("file", {"path": "/a", "src": "~/b", "state": "link"}, "without $ and ~"),
    ("file", {"path": "/a", "state": "touch", "recurse": True}, "recurse"),
    ("file", {"path": "/a", "state": "hard"}, "one of"),
    ("file", {"path": "/a", "access_time": "preserve"}, "state: touch"),
    ("stat", {"path": "a"}, "whole path"),
    ("copy", {"dest": "/a"}, "content or src"),
    ("copy", {"dest": "a", "content": ""}, "whole path"),
    ("copy", {"dest": "/a", "content": "", "mode": "preserve"}, "mode"),
    ("copy", {"dest": "/a", "content": "x\0"}, "NUL"),
    ("copy", {"dest": "/a", "content": "x", "validate": "sshd -t"}, "%s"),
    ("copy", {"dest": "/a", "content": "x", "validate": "date +%Y %s"}, "no %"),
    ("copy", {"dest": "/a", "content": "x", "validate": "grep 'x %s"}, "quotation"),
    ("template", {"src": "a.j2", "dest": "a"}, "whole path"),
    ("lineinfile", {"path": "/a"}, "line is needed"),
    ("lineinfile", {"path": "/a", "state": "absent"}, "is needed with state: absent"),
    ("lineinfile", {"path": "/a", "line": "x", "regexp": "y", "search_string": "z"}, "exclude"),
    ("lineinfile", {"path": "/a", "line": "x", "insertafter": "y", "insertbefore": "z"}, "exclude"),
    ("lineinfile", {"path": "/a", "line": "x\ny"}, "no newline"),
    ("lineinfile", {"path": "/a", "line": "x", "regexp": ""}, "empty"),
    ("lineinfile", {"path": "/a", "line": "x", "regexp": r"\bx"}, r"\\b"),
    ("lineinfile", {"path": "/a", "line": "x", "insertafter": "(?=x)"}, "(?="),
    ("blockinfile", {"path": "/a", "marker": "# mine"}, "{mark}"),
    ("blockinfile", {"path": "/a", "marker": "# {mark}\n#"}, "one line"),
    ("blockinfile", {"path": "/a", "marker_begin": "X", "marker_end": "X"}, "the same"),
    ("blockinfile", {"path": "/a", "insertafter": "y", "insertbefore": "z"}, "exclude"),
    ("replace", {"path": "/a", "regexp": "x*"}, "at least one character"),
    ("replace", {"path": "/a", "regexp": "^"}, "at least one character"),
    ("replace", {"path": "/a", "regexp": "(x)", "replace": r"\1y"}, "groups"),
    ("command", {}, "one of them"),
    ("command", {"cmd": "true", "argv": ["true"]}, "one of them"),
    ("command", {"cmd": "echo $HOME"}, "no shell fills that in"),
    ("command", {"argv": ["ls", "~/x"]}, "no shell fills that in"),
    ("command", {"cmd": "touch x", "creates": "~/x"}, "without $ and ~"),
    ("shell", {"cmd": "true", "chdir": "x"}, "whole path"),
    ("pause", {}, "one of them"),
    ("wait_for", {}, "one of them"),
    ("wait_for", {"port": 22, "path": "/a"}, "one of them"),
    ("wait_for", {"port": 22, "host": "192.0.2.1"}, "one of 127.0.0.1"),
    ("wait_for", {"port": 70000}, "65535"),
    ("wait_for", {"path": "/a", "state": "stopped"}, "absent"),
    ("wait_for", {"port": 22, "timeout": -1}, "not below"),
    ("user", {"name": "-x"}, "not a user's name"),
    ("user", {"name": "x", "state": "absent"}, "one of"),
    ("user", {"name": "x", "password": "secret"}, "one of"),
    ("user", {"name": "x", "password": "*", "password_lock": True}, "exclude"),
    ("user", {"name": "x", "shell": "sh"}, "whole path"),
]


@pytest.mark.parametrize(("module", "arguments", "says"), REFUSED)
def test_it_is_refused_and_the_reason_said(module: str, arguments: dict[str, Any], says: str) -> None:
    action = actions.load(module)
    assert action is not None
    with pytest.raises(ValueError, match=re.escape(says)):
        bind(action, arguments)
