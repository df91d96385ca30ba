"""What cannot be used is refused with file, line and what would be right, and without showing secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sshdoctor.errors import InputError, InventoryError
from sshdoctor.inventory import load_hosts

_FAULTS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "faults.yml").read_text())


@pytest.mark.parametrize("case", _FAULTS, ids=[case["fault"] for case in _FAULTS])
def test_a_fault_is_named_with_its_place(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case["files"].items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    with pytest.raises(InventoryError) as caught:
        load_hosts("all", [Path(next(iter(case["files"])))], {})
    assert str(caught.value).startswith(case["says"])
    assert "hunter2" not in str(caught.value)


def test_an_executable_bit_alone_makes_no_script(tmp_path: Path) -> None:
    source = tmp_path / "inventory.yml"
    source.write_text("all: {hosts: {a: }}\n")
    source.chmod(0o755)
    assert [host.name for host in load_hosts("all", [source], {})] == ["a"]


def test_an_inventory_that_is_no_text_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "inventory.yml"
    source.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InventoryError, match=r"inventory.yml:1: this is no UTF-8 text"):
        load_hosts("all", [source], {})


def test_an_inventory_that_is_given_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such inventory"):
        load_hosts("all", [tmp_path / "nothing.yml"], {})


def test_an_inventory_that_the_environment_names_and_is_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"nothing.ini: there is no such inventory \(\$ANSIBLE_INVENTORY\)"):
        load_hosts("all", None, {"ANSIBLE_INVENTORY": "nothing.ini"})


def test_a_fault_in_a_host_that_is_not_chosen_stops_nobody(tmp_path: Path) -> None:
    source = tmp_path / "inventory.yml"
    source.write_text("all: {hosts: {good: , bad: {ansible_port: none}}}\n")
    assert [host.name for host in load_hosts("good", [source], {})] == ["good"]


def test_what_ansible_passes_over_with_a_warning_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "inventory.yml"
    source.write_text("web:\n  hosts: {a: }\n  host: {b: }\n")
    load_hosts("all", [source], {})
    assert "inventory.yml:3: host in the group web is none of hosts, vars, children" in caplog.text
