"""The commands: one file each. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys

import typer

from osler.core.errors import OslerError

app = typer.Typer(
    name="osler",
    help="From a table of medical data to a model that can be trusted. Research use; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

STOPPED = "stopped; the same command goes on where it ended"
INTERRUPTED = 130  # what typer makes of Ctrl-C, without a word


def _register() -> None:
    from osler.cli.compare import compare
    from osler.cli.data import data_app
    from osler.cli.demo import demo
    from osler.cli.embed import embed
    from osler.cli.evaluate import evaluate
    from osler.cli.explain import explain
    from osler.cli.generate import generate
    from osler.cli.inspect import inspect
    from osler.cli.predict import predict
    from osler.cli.train import train
    from osler.cli.translate import translate

    for command in (demo, inspect, train, evaluate, compare, predict, explain, embed, generate, translate):
        app.command()(command)
    app.add_typer(data_app, name="data")


_register()


def main() -> None:
    """Run a command; every error of Osler's ends in one message and its exit code, never in a traceback."""
    try:
        app()
    except OslerError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        _end(STOPPED, 1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _end(STOPPED, 1)
        raise
    except OSError as error:
        _end(f"{error.strerror or type(error).__name__}; check the disk and the paths that were given", 2)
    except MemoryError:
        _end("out of memory; ask for fewer cases at once or a smaller size with --set", 1)
    except Exception as error:
        if os.environ.get("OSLER_DEBUG"):
            raise
        _end(f"a fault in Osler itself ({_where(error)}); set OSLER_DEBUG=1 to see where, and please report it", 1)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


def _end(message: str, code: int) -> None:
    # a name in a file may hold what moves a terminal's cursor, or turns the direction of its text
    shown = "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in message)
    sys.stderr.write(f"osler: {shown}\n")
    sys.stderr.flush()
    raise SystemExit(code)
