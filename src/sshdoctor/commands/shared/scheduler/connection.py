"""The connection to a scheduler of Dask's, and what is asked of it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

from sshdoctor import __version__
from sshdoctor.commands.shared.scheduler.there import who
from sshdoctor.errors import UsageError
from sshdoctor.reports.layout.printable import printable

_PATIENCE = 5.0


class Scheduler:
    """An open connection. ``close`` it."""

    def __init__(self, address: str, client: Any) -> None:
        self.address, self._client = address, client

    def workers(self) -> Mapping[str, str]:
        """The address of each worker, by its name. Raises UsageError where one has not this program.

        One that does not answer is left out, and told of.
        """
        found = {}
        for address in self.there():
            said = self._asked(address)
            if isinstance(said, TimeoutError):
                print(printable(f"sshdoctor: the worker at {address} does not answer"), file=sys.stderr)
            elif isinstance(said, BaseException) or said[1] != __version__:
                has = type(said).__name__ if isinstance(said, BaseException) else f"it is {said[1]}"
                raise UsageError(
                    f"--scheduler {self.address}: the worker at {address} has not this sshdoctor ({has}): "
                    f"install {__version__} there"
                )
            else:
                found[said[0]] = address
        if not found:
            raise UsageError(
                f"--scheduler {self.address}: it has no worker; start some: "
                f"dask worker {self.address} --nthreads 16"
            )
        return dict(sorted(found.items()))

    def _asked(self, address: str) -> tuple[str, str] | BaseException:
        run, more = self._client._run, {"on_error": "return", "callback_timeout": _PATIENCE}
        try:
            answers = self._client.sync(run, who, workers=[address], **more)
        except (TimeoutError, OSError) as error:
            return error
        said: tuple[str, str] | BaseException = answers[address]
        return said

    def address_of(self, name: str) -> str:
        """Of the worker that has this name now. Raises KeyError."""
        try:
            info = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # Dask before 2025 tells all
            info = self._client.scheduler_info()
        return {str(one["name"]): str(address) for address, one in info["workers"].items()}[name]

    def executor(self, *workers: str) -> Executor:
        """What hosts are given to; ``workers``: the addresses of those who may do it; none: all may."""
        pinned = {"workers": [*workers], "allow_other_workers": False} if workers else {}
        executor: Executor = self._client.get_executor(pure=False, **pinned)
        return executor

    def there(self) -> frozenset[str]:
        """The addresses of the workers that are there now; none where the scheduler is gone."""
        if self._client.status != "running":
            return frozenset()
        try:
            return frozenset(self._client.ncores())
        except Exception:  # whatever Dask raises of a line that is cut
            return frozenset()

    @property
    def alive(self) -> bool:
        return bool(self._client.status == "running")

    def close(self) -> None:
        with suppress(Exception):  # as above
            self._client.close(timeout=1)


def connect(address: str) -> Scheduler:
    """Raises UsageError."""
    try:
        client = _client(address)
    except ImportError:
        raise UsageError("--scheduler needs Dask: pip install 'sshdoctor[dask]'") from None
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"--scheduler {address}: no Dask scheduler answers there ({said}); `dask scheduler` starts one"
        ) from None
    return Scheduler(address, client)


def _client(address: str) -> Any:
    import dask.config  # 1.5 s, and only where it is asked for

    silent = dict.fromkeys(("distributed", "distributed.client"), "critical")
    dask.config.set({"logging": silent})
    from distributed import Client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other versions of libraries; ours is compared
        return Client(  # type: ignore[no-untyped-call]  # distributed says no types of it
            address, timeout=_PATIENCE, set_as_default=False, asynchronous=False
        )
