"""Tests that are marked ``xdist_group`` alike run on one worker, one after the other: they share something.

xdist writes the group behind the test's id, and reads it there. pytest 9 keeps ids elsewhere, so that nothing
comes of it, without a word; here the first worker writes the groups to a file.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist says no types

FOLDER = pytest.StashKey[Path]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Also without xdist the tests of a group follow each other."""
    first: dict[str, int] = {}
    for place, item in enumerate(items):
        first.setdefault(group_of(item), place)
    items.sort(key=lambda item: first[group_of(item)])
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    if worker.get("workerid") == "gw0":
        Path(worker["groups"]).write_text(json.dumps({item.nodeid: group_of(item) for item in items}))


def group_of(item: pytest.Item) -> str:
    """The test's own id, where it is in no group."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["groups"] = str(_file(node.config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return Groups(config, log) if config.getvalue("dist") == "loadgroup" else None


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Begins with the largest group, and gives a whole one to each worker that is free."""

    @cached_property
    def groups(self) -> dict[str, str]:
        """By test; all workers have found their tests when this is asked for."""
        path = _file(self.config)
        found: dict[str, str] = json.loads(path.read_text())
        shutil.rmtree(path.parent)
        return found

    def _split_scope(self, nodeid: str) -> str:
        return self.groups[nodeid]


def _file(config: pytest.Config) -> Path:
    """In a folder that nobody else can write to."""
    if FOLDER not in config.stash:
        config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="sshdoctor-groups-"))
    return config.stash[FOLDER] / "groups.json"
