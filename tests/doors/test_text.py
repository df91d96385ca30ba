"""The table of doors for people."""

from __future__ import annotations

from sshdoctor.commands.doors.text import told
from sshdoctor.commands.shared.doors.gather import HostDoors
from sshdoctor.doors.model import Setup
from sshdoctor.doors.table import Doors, UnknownDoor

TABLE = """\
web1
  root    ssh:22      nobody gets in
          su          password
  deploy  ssh:22      code + key
          ssh:2222    key, or password
          sudo        NOTHING is asked
  One step, though two were meant: deploy (ssh:2222: key, ssh:2222: password)
  Locked out of SSH: root
  Note: something to know.
  Undecided: ops, su: /etc/pam.d/su:4: auth required pam_exec.so \\x1b[31m
"""


def test_a_door_is_a_line_and_what_stands_out_comes_last() -> None:
    doors = Doors(
        accounts={
            "root": {"ssh:22": [], "su": [["password"]]},
            "deploy": {"ssh:22": [["code", "key"]], "ssh:2222": [["key"], ["password"]], "sudo": [[]]},
        },
        one_step=["deploy"],
        locked_out=["root"],
        unknown=[UnknownDoor("ops", "su", "/etc/pam.d/su:4: auth required pam_exec.so \x1b[31m")],
        notes=["something to know"],
    )
    assert told(HostDoors(host="web1", doors=doors, setup=Setup())) == TABLE


def test_a_host_that_could_not_be_seen_is_undecided() -> None:
    assert told(HostDoors(host="web1", unseen="no way in")) == "web1\n  Undecided: no way in\n"
