"""The variables that are written for Ansible mean there what they mean here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from remedy.twins import BIN, environment
from sshdoctor.commands.playbook import for_ansible

SHOW = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "dest": "{{ playbook_dir }}/seen",
                    "content": "{{ config_errors | to_json }}",
                    "mode": "0600",
                }
            }
        ],
    }
]


@pytest.mark.parametrize(
    "text",
    [
        "PermitRootLogn no",
        'Banner "C:\\new" # {not} a template',
        "Banner {{ lookup('pipe', 'touch run') }}",
        "{% for one in lookup('pipe', 'touch run') %}",
        'Banner \\" {{ lookup("pipe", "touch run") }} \\',
        "{# a comment, which would be gone",
    ],
)
def test_what_a_host_says_is_no_template_for_ansible(text: str, tmp_path: Path) -> None:
    errors: list[dict[str, Any]] = [{"file": "/etc/ssh/sshd_config", "line": 7, "text": text}]
    (tmp_path / "variables").write_text(for_ansible({"config_errors": errors}))
    (tmp_path / "show.yml").write_text(json.dumps(SHOW))
    inventory = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    (tmp_path / "inventory").write_text(inventory)
    command = [str(BIN / "ansible-playbook"), "-i", "inventory", "-e", "@variables", "show.yml"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "run").exists()
    assert json.loads((tmp_path / "seen").read_text()) == errors
