"""Playbooks compiled and run by real shells: conditions, registers, loops, blocks, handlers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sshdoctor.errors import PlaybookError
from sshdoctor.model import TaskResult
from sshdoctor.remedy.playbook.compile import compile_playbooks
from sshdoctor.remedy.playbook.load import load_playbook
from sshdoctor.remedy.playbook.results import listen, results
from sshdoctor.remedy.script import checking_script, head

MARK = "0123abcd" * 4
STUBS = "keep() { :; }\ninverse() { :; }\nguard_touch() { :; }\n"
PLAY = "- name: A test\n  hosts: all\n  gather_facts: false\n"


def run(
    folder: Path, text: str, *, shell: str = "dash", check: bool = False, **variables: object
) -> list[TaskResult]:
    path = folder / "play.yml"
    path.write_text(PLAY + text)
    program = compile_playbooks([(load_playbook(path), {"folder": str(folder), **variables})], check=check)
    script = f"{head(MARK, check=False)}{STUBS}{program.functions}{program.text}say over\n"
    if check:
        script = checking_script(program, MARK)
    shells = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
    done = subprocess.run([*shells[shell], "-s"], input=script.encode(), capture_output=True, check=False)
    said = listen(done.stdout, MARK)
    assert "over" in said.other, done.stderr.decode()
    return list(results(said, program.tasks))


def statuses(found: list[TaskResult]) -> list[str]:
    return [result.status for result in found]


@pytest.mark.containers  # busybox is set up with the engine
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_conditions_over_registered_results_are_decided_by_the_host(tmp_path: Path, shell: str) -> None:
    found = run(
        tmp_path,
        """
  tasks:
    - name: Ask
      ansible.builtin.shell: echo "a 'quoted' $HOME"; exit 3
      register: asked
      changed_when: false
      failed_when: asked.rc not in [0, 3]
    - name: Only if it ended with 3
      ansible.builtin.command: {argv: [touch, "{{ folder }}/three"]}
      when: asked.rc == 3 and "'quoted'" in asked.stdout and asked is not changed
    - name: Never
      ansible.builtin.command: {argv: [touch, "{{ folder }}/never"]}
      when: asked.rc == 0 or asked.rc > 3
    - name: What was said comes back as it was
      ansible.builtin.copy: {dest: "{{ folder }}/said", content: "<{{ asked.stdout }}>"}
""",
        shell=shell,
    )
    assert statuses(found) == ["ok", "changed", "skipped", "changed"]
    assert (tmp_path / "three").exists()
    assert not (tmp_path / "never").exists()
    assert (tmp_path / "said").read_text().startswith("<a 'quoted' /")


def test_a_value_is_never_shell_and_never_a_template(tmp_path: Path) -> None:
    odd = "$(touch pwned) `id` {{ 7 * 6 }} '; exit 1 #\n\\n"
    run(
        tmp_path,
        """
  tasks:
    - name: Write {{ odd }}
      ansible.builtin.copy: {dest: "{{ folder }}/out", content: "{{ odd }}"}
""",
        odd=odd,
    )
    assert (tmp_path / "out").read_text() == odd
    assert not list(tmp_path.glob("pwned"))


def test_a_loop_is_unrolled_and_its_items_may_be_mappings(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
  vars:
    files: [{name: a, text: one}, {name: b, text: two}]
  tasks:
    - name: Write {{ item.name }}
      ansible.builtin.copy: {dest: "{{ folder }}/{{ item.name }}", content: "{{ item.text }}"}
      loop: "{{ files }}"
      when: item.name != "b"
""",
    )
    assert [(one.name, one.status) for one in found] == [("Write a", "changed")]
    assert (tmp_path / "a").read_text() == "one"


def test_a_failed_task_ends_the_play_but_for_what_always_runs(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
  tasks:
    - name: A block
      block:
        - name: Fail
          ansible.builtin.command: {argv: ["false"]}
        - name: Not reached
          ansible.builtin.debug: {msg: no}
      always:
        - name: In any case
          ansible.builtin.debug: {msg: yes}
    - name: Not reached either
      ansible.builtin.debug: {msg: no}
""",
    )
    assert [(one.name, one.status) for one in found] == [("Fail", "failed"), ("In any case", "ok")]


def test_a_rescue_mends_a_failed_block_and_the_play_goes_on(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
  tasks:
    - name: A block
      block:
        - name: Fail
          ansible.builtin.fail: {msg: on purpose}
      rescue:
        - name: Rescue
          ansible.builtin.debug: {msg: rescued}
    - name: Go on
      ansible.builtin.debug: {msg: on}
    - name: Fail and go on
      ansible.builtin.command: {argv: ["false"]}
      ignore_errors: true
""",
    )
    assert [one.name for one in found] == ["Fail", "Rescue", "Go on", "Fail and go on"]
    assert statuses(found) == ["failed", "ok", "ok", "ok"]
    assert found[0].message == "on purpose"
    assert found[3].message.endswith("(ignored)")


def test_a_handler_runs_once_and_only_after_a_change(tmp_path: Path) -> None:
    text = """
  tasks:
    - name: One
      ansible.builtin.copy: {dest: "{{ folder }}/one", content: "1"}
      notify: Restart
    - name: Two
      ansible.builtin.copy: {dest: "{{ folder }}/two", content: "2"}
      notify: [Restart]
  handlers:
    - name: Restart
      ansible.builtin.shell: echo restarted >>{{ folder | quote }}/log
    - name: Nobody asks for this
      ansible.builtin.fail: {msg: no}
"""
    assert statuses(run(tmp_path, text)) == ["changed", "changed", "changed"]
    assert statuses(run(tmp_path, text)) == ["ok", "ok"]
    assert (tmp_path / "log").read_text() == "restarted\n"


def test_check_mode_changes_nothing_and_shows_the_difference(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("Port 22\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    found = run(
        tmp_path,
        """
  tasks:
    - name: Comment it out
      ansible.builtin.lineinfile: {path: "{{ folder }}/conf", regexp: '^Port\\s', line: "#Port 22"}
    - name: A command is passed over
      ansible.builtin.command: {argv: [touch, "{{ folder }}/made"]}
    - name: A look is taken all the same
      ansible.builtin.command: {argv: [cat, "{{ folder }}/conf"]}
      check_mode: false
      changed_when: false
""",
        check=True,
    )
    assert statuses(found) == ["changed", "skipped", "ok"]
    assert "-Port 22\n+#Port 22" in found[0].diff
    assert (tmp_path / "conf").read_text() == "Port 22\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "play.yml"])


def test_variables_may_name_each_other_and_given_ones_win(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
  vars:
    line: "Port {{ port }}"
    port: "{{ wanted | default(22) }}"
  tasks:
    - name: Say {{ line }}
      ansible.builtin.debug: {msg: "{{ line }}"}
    - name: Set another
      ansible.builtin.set_fact: {line: "changed {{ port }}"}
    - name: Say {{ line }}
      ansible.builtin.debug: {msg: "{{ line }}"}
""",
        wanted=2222,
    )
    assert [one.name for one in found] == ["Say Port 2222", "Say changed 2222"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("ansible.builtin.debug: {msg: '{{ nobody }}'}", "'nobody' is undefined"),
        ("ansible.builtin.file: {path: /x, state: '{{ folder }}'}", "one of"),
        ("ansible.builtin.debug: {msg: x}\n      loop: '{{ folder }}'", "loop: a list"),
        ("ansible.builtin.copy: {src: gone, dest: /x}", "no files/gone beside the playbook"),
    ],
)
def test_what_cannot_be_compiled_is_told_with_file_and_line(tmp_path: Path, task: str, said: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        run(tmp_path, f"  tasks:\n    - name: Wrong\n      {task}\n")
    assert str(caught.value).startswith(f"{tmp_path}/play.yml:5: Wrong: ")
    assert said in str(caught.value)


def test_a_registered_value_is_one_word_of_a_command_whatever_is_in_it(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
  tasks:
    - name: Ask
      ansible.builtin.shell: printf '%s' "it's; \\"two words\\" \\\\ \\$(id)"
      register: asked
      changed_when: false
    - name: Make it
      ansible.builtin.command: {argv: [mkdir, "{{ folder }}/{{ asked.stdout }}"]}
""",
    )
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ['it\'s; "two words" \\ $(id)']
