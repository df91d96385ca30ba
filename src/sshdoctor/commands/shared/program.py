"""The command around the tasks: its exit codes, and how errors are told."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from sshdoctor import __version__
from sshdoctor.commands.shared import exit_codes
from sshdoctor.errors import InputError, RemedyError, SshdoctorError

_STEPS, _LONGEST = 3, 300


def exit_code_of(body: Callable[..., int]) -> Callable[..., None]:
    """A task whose body gives the exit code; an error is shown here, once, without a traceback."""

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = body(*args, **kwargs)
        except InputError as error:
            raise _ended(error, exit_codes.USAGE) from None
        except RemedyError as error:
            raise _ended(error, exit_codes.REMEDY) from None
        except SshdoctorError as error:
            raise _ended(error, exit_codes.UNDECIDED) from None
        except KeyboardInterrupt:
            raise _ended("interrupted; nothing is left running", exit_codes.INTERRUPTED) from None
        except (Exit, BrokenPipeError):
            raise
        except Exception as error:
            raise _ended(internal_error(error), exit_codes.UNDECIDED) from None
        if code:
            raise Exit(code=code)

    return run


def _ended(what: object, code: int) -> Exit:
    """The one message of a task that failed: whatever a file or a host put into it steers no terminal."""
    from sshdoctor.reports.layout.printable import printable

    return Exit(printable(f"sshdoctor: {what}", lines=True), code)


def internal_error(error: Exception) -> str:
    """What to send us of an error that is this program's own: what it is, and the last steps of its way."""
    import traceback

    steps = traceback.extract_tb(error.__traceback__)[-_STEPS:]
    way = " < ".join(f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in reversed(steps))
    told = f"{type(error).__name__}: {error}"[:_LONGEST]
    return f"internal error: {told} ({way}). Please send us this line; it is sshdoctor {__version__}."


class SshdoctorProgram(Program):
    """Invoke's program, with this project's exit code for a flag or a task that there is not."""

    def parse_core(self, argv: list[str] | None) -> None:
        super().parse_core(argv)
        # Invoke would have each run compile all modules anew, which takes as long as a diagnosis.
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

    def parse_tasks(self) -> None:
        try:
            super().parse_tasks()
        except ParseError as error:
            raise _ended(f"{error} {self._meant(str(error))}", exit_codes.USAGE) from None

    def _meant(self, message: str) -> str:
        """The task or flag that comes close to the word that Invoke does not know."""
        from difflib import get_close_matches

        contexts = self.collection.to_contexts()
        words = [word for context in contexts for word in (context.name, *context.flags)]
        unknown = message.partition("'")[2].partition("'")[0]
        close = get_close_matches(unknown, words, n=1) if message.startswith("No idea") else []
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
        code = exit_codes.INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # everything is closed; taking the interpreter apart would cost another 20 ms
