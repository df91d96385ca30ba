"""The command around the tasks: its exit codes, and how errors are told."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, NoReturn

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext
from invoke.parser.parser import ParseResult
from invoke.program import Program

from sshdoctor import __version__
from sshdoctor.commands.shared import exit_codes
from sshdoctor.commands.shared.command_line import Command, Line, Option, Typed, understand
from sshdoctor.errors import InputError, RemedyError, SshdoctorError, UsageError

_PLACE = ("-r", "--search-root", "-c", "--collection")

NOTHING_RUNS = "nothing is left running"
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
        except KeyboardInterrupt as ended:
            what = f"interrupted; {ended}" if str(ended) else "interrupted"
            left = getattr(ended, "running", NOTHING_RUNS)
            raise _ended(f"{what}; {left}", exit_codes.INTERRUPTED) from None
        except (Exit, OSError):
            raise
        except Exception as error:  # ours, whatever it is: one sentence to send us, and no traceback
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
    steps = traceback.extract_tb(error.__traceback__)[-_STEPS:]
    way = " < ".join(f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in reversed(steps))
    told = f"{type(error).__name__}: {error}"[:_LONGEST]
    return f"internal error: {told} ({way}). Please send us this line; it is sshdoctor {__version__}."


class SshdoctorProgram(Program):
    """Invoke's program, with a command line of its own: every option here is one that does what it says."""

    line: Line

    def parse_core(self, argv: list[str] | None) -> None:
        self.normalize_argv(argv)
        binary, *words = self.argv
        try:
            known = {name: as_command(context) for name, context in self.contexts.items()}
            self.line = understand(_without_place(words, self.binary), known, program=self.binary)
        except UsageError as error:
            raise _ended(error, exit_codes.USAGE) from None
        super().parse_core([binary, *(["--version"] if self.line.version else [])])
        # Invoke would have each run compile all modules anew, which takes as long as a diagnosis.
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

    @cached_property
    def contexts(self) -> dict[str, ParserContext]:
        """The commands as Invoke has them."""
        assert self.namespace is not None  # noqa: S101 -- run_program gives it
        return contexts_of(self.namespace)

    def parse_tasks(self) -> None:
        given = (_filled(deepcopy(self.contexts[typed.command]), typed) for typed in self.line.commands)
        self.tasks = ParseResult(given)

    def parse_cleanup(self) -> None:
        if self.line.help_of is None:
            return
        from sshdoctor.commands.shared.help_text import command_help, help_of, program_help

        texts, name = help_of(self.collection, self.contexts), self.line.help_of
        told = command_help(texts[name], self.binary) if name else program_help(texts, self.binary)
        sys.stdout.write(told)
        raise Exit


def contexts_of(collection: Collection) -> dict[str, ParserContext]:
    """The commands as Invoke has them, by name; it takes their help texts away, which are put back."""
    kept = [(task, dict(task.help)) for task in collection.tasks.values()]
    found = {str(context.name): context for context in collection.to_contexts()}
    for task, texts in kept:
        task.help.update(texts)
    return found


def as_command(context: ParserContext) -> Command:
    """A command and its options, as the reader of the command line knows them."""
    options = {
        name: Option(name, argument.takes_value, argument.kind is list)
        for name, argument in context.args.items()
    }
    return Command(str(context.name), options, tuple(one.names[0] for one in context.positional_args))


def _filled(context: ParserContext, typed: Typed) -> ParserContext:
    for name, value in typed.values:
        argument = context.args[name]
        argument.set_value(value, cast=argument.kind is list)
    return context


def _without_place(words: list[str], program: str) -> list[str]:
    """``invoke`` itself has found out already where the tasks stand (-r, -c)."""
    while program == "invoke" and len(words) > 1 and words[0] in _PLACE:
        words = words[2:]
    return words


def run_program(collection: Collection, name: str) -> NoReturn:
    """Run ``sys.argv`` as ``name`` over the tasks of ``collection``, and exit."""
    gc.set_threshold(100_000)  # collecting among the imports costs 20 ms and frees nothing
    code = 0
    _open_standard_streams()
    try:
        SshdoctorProgram(__version__, namespace=collection, name=name, binary=name).run()
        sys.stdout.flush()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        if isinstance(ended.__context__, KeyboardInterrupt):  # Invoke gives 1, which is a diagnosis's
            code = exit_codes.INTERRUPTED
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except BrokenPipeError:  # `| head` has read enough
        pass
    except Exception as error:  # as above, outside of any task
        code = _failed(error)
    with suppress(OSError):  # what could not be written has been told already
        sys.stdout.flush()
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)  # everything is closed; taking the interpreter apart would cost another 20 ms


def _open_standard_streams() -> None:
    """Python has none where a shell closed one (``>&-``): then writing fails as it does on a full disk."""
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _failed(error: Exception) -> int:
    """One line, and an exit code that is no diagnosis's; a fault of ours says where it is."""
    if isinstance(error, OSError) and error.filename is None:
        print(f"sshdoctor: the report cannot be written: {error.strerror or error}", file=sys.stderr)
        return exit_codes.USAGE
    print(_ended(internal_error(error), exit_codes.USAGE).message, file=sys.stderr)
    return exit_codes.USAGE
