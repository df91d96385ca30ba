"""A task's values that are not to be shown: in no output, and not in what is kept on the host."""

from __future__ import annotations

import pytest

from attacks.harness import Scene

pytestmark = pytest.mark.containers
SECRET = "hunter2-stands-nowhere"  # noqa: S105  # made for this test
PLAYBOOK = f"""\
- name: Set a value that is secret
  hosts: all
  become: true
  gather_facts: false
  vars: {{remedy: {{mends: [], risk: low}}, value: none}}
  tasks:
    - name: Write {{{{ value }}}} down
      ansible.builtin.copy: {{dest: /etc/secret, content: "{{{{ value }}}}", mode: "0600"}}
      no_log: true
    - name: Say it
      ansible.builtin.command: {{argv: [echo, "{SECRET}"]}}
      no_log: true
      register: said
    - name: Print it
      ansible.builtin.debug: {{msg: "{SECRET}"}}
      no_log: true
    - name: Fail with it
      ansible.builtin.shell: "echo {SECRET} >&2; exit 3"
      no_log: true
      ignore_errors: true
    - name: Fail with it for good
      ansible.builtin.fail: {{msg: "{SECRET}"}}
      no_log: true
"""


@pytest.mark.parametrize("form", ["text", "json", "junit", "html", "markdown", "ticket"])
def test_it_stands_in_no_output_and_in_no_journal(systemd: Scene, form: str) -> None:
    folder = systemd.admin.folder / "sshdoctor_playbooks"
    folder.mkdir()
    (folder / "secret.yml").write_text(PLAYBOOK)
    flags = ("--yes", "--diff", "--format", form, "-e", f"value={SECRET}")
    done = systemd.admin.types("playbook", "secret", *(f.replace("-e", "--extra-vars") for f in flags))
    assert done.code == 4, done.stderr
    assert SECRET not in done.stdout + done.stderr
    kept = systemd.host.run(
        f"grep -rlaF {SECRET} /var/lib/sshdoctor /run/sshdoctor /tmp /run 2>/dev/null || true"
    )
    assert kept == ""
    assert SECRET not in systemd.host.run("journalctl -b --no-pager")
