"""The tasks, as one Invoke collection: for ``sshdoctor TASK`` and for ``invoke TASK`` in a checkout."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NoReturn

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.program import Program
from invoke.tasks import task

from sshdoctor import __version__
from sshdoctor.errors import InputError, SshdoctorError, UsageError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_HOST_HELP = {
    "host": "a host, group, pattern, comma list, or user@address:port",
    "inventory": "an Ansible inventory (repeatable; default inventory.yml)",
    "format": "text, json, junit, html, markdown",
    "output": "write the report to this file",
    "jobs": "hosts at a time (default 16)",
    "timeout": "seconds to wait for each answer (default 4)",
    "outside-only": "do not look inside",
    "only": "a layer or a check (repeatable)",
    "known-hosts": "use this known_hosts file",
    "accept-new-host-key": "accept a first host key, never a changed one",
}


def told_once(body: Callable[..., int]) -> Callable[..., None]:
    """A task whose body gives the exit code; an error is shown here, once, without a traceback."""

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = body(*args, **kwargs)
        except InputError as error:
            raise Exit(f"sshdoctor: {error}", EXIT_USAGE) from None
        except SshdoctorError as error:
            raise Exit(f"sshdoctor: {error}", 3) from None
        except KeyboardInterrupt:
            raise Exit("sshdoctor: interrupted; nothing is left running", EXIT_INTERRUPTED) from None
        if code:
            raise Exit(code=code)

    return run


@task(positional=[], iterable=["inventory", "only"], auto_shortflags=False, help=_HOST_HELP)
@told_once
def diagnose(
    context: Context,
    inventory: Sequence[str],
    only: Sequence[str],
    host: str = "",
    format: str = "text",  # noqa: A002  # the flag's name is public
    output: str = "",
    jobs: str = "16",
    timeout: str = "4",
    outside_only: bool = False,
    known_hosts: str = "",
    accept_new_host_key: bool = False,
) -> int:
    """Find out why a client cannot get in by SSH, from both sides."""
    from sshdoctor.diagnose import Request, run

    if not host:
        raise UsageError("--host is missing: a host, group, pattern, or user@address:port")
    return run(
        Request(
            pattern=host,
            inventories=tuple(inventory),
            form=format,
            output=output,
            jobs=jobs,
            timeout=timeout,
            outside_only=outside_only,
            only=tuple(only),
            known_hosts=known_hosts,
            accept_new_host_key=accept_new_host_key,
        )
    )


@task(
    positional=[], iterable=["inventory"], auto_shortflags=False, help={"inventory": _HOST_HELP["inventory"]}
)
@told_once
def checks(context: Context, inventory: Sequence[str]) -> int:
    """List the checks, in the order of a packet's way, with the causes that each can find."""
    from sshdoctor.diagnose import list_checks

    return list_checks(tuple(inventory))


_VERDICT_HELP = {
    "rules": "a file or folder: iptables-save, ip6tables-save, nft -j list ruleset, ipset save (repeatable)",
    "source": "the client's address, as the host sees it",
    "destination": "the host's own address that the client dials",
    "port": "the port that the client dials (default 22)",
    "in-interface": "the interface by which the client comes in",
    "family": "ipv4 or ipv6 (default: that of the addresses)",
    "format": "text, json",
}


@task(positional=[], iterable=["rules"], auto_shortflags=False, help=_VERDICT_HELP)
@told_once
def verdict(
    context: Context,
    rules: Sequence[str],
    source: str = "",
    destination: str = "",
    port: str = "22",
    in_interface: str = "",
    family: str = "",
    format: str = "text",  # noqa: A002  # the flag's name is public
) -> int:
    """Say what the firewall in mailed dumps does with a client, and by which rule."""
    from sshdoctor.verdict.task import Question, run

    return run(
        Question(
            rules=tuple(rules),
            source=source,
            destination=destination,
            port=port,
            in_interface=in_interface,
            family=family,
            form=format,
        )
    )


@task(auto_shortflags=False)
@told_once
def demo(context: Context) -> int:
    """Break a throw-away container, diagnose it from both sides, show the report."""
    from sshdoctor.demo import broken_host
    from sshdoctor.diagnose import show

    print(
        "Making a throw-away host; its sshd is stopped, behind a firewall rule that drops.", file=sys.stderr
    )
    with broken_host() as host:
        print("Diagnosing it from both sides.", file=sys.stderr)
        found = show(host)
    return 0 if found[:2] == ("firewall-drops", "sshd-stopped") else 3


namespace = Collection(diagnose, checks, verdict, demo)


class SshdoctorProgram(Program):
    """Invoke's program, with this project's exit code for a flag or a task that there is not."""

    def parse_tasks(self) -> None:
        try:
            super().parse_tasks()
        except ParseError as error:
            raise Exit(f"sshdoctor: {error} {self._meant(str(error))}", EXIT_USAGE) from None

    def _meant(self, message: str) -> str:
        """The task or flag that comes close to the word that Invoke does not know."""
        from difflib import get_close_matches

        contexts = self.collection.to_contexts()
        words = [word for context in contexts for word in (context.name, *context.flags)]
        unknown = message.partition("'")[2].partition("'")[0]
        close = get_close_matches(unknown, words, n=1)
        return f"Did you mean {close[0]}?" if close else "See --help."


def run_program(collection: Collection, name: str) -> NoReturn:
    """Run ``sys.argv`` as ``name`` over the tasks of ``collection``, and exit."""
    gc.set_threshold(100_000)  # collecting among the imports costs 20 ms and frees nothing
    code = 0
    try:
        SshdoctorProgram(__version__, namespace=collection, name=name, binary=name).run()
        sys.stdout.flush()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # everything is closed; taking the interpreter apart would cost another 20 ms


def main() -> NoReturn:
    """The ``sshdoctor`` command."""
    run_program(namespace, "sshdoctor")


if __name__ == "__main__":
    main()
