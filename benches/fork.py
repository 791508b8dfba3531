"""A function in a process of its own: whatever it does, the caller goes on."""

import os
import pickle
import signal


class Failed(Exception):
    """The function raised an exception."""


class Crashed(Exception):
    """Its process was killed, by a fault of its own or because it took too long."""


def in_a_fork(function, *arguments, seconds=300):
    """What the function returns, computed in a fork of this process; nothing that it prints is seen."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_the_child(writer, function, arguments, seconds)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        written = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        raise Crashed(f"{seconds} s were too few" if name == "SIGALRM" else name)
    done, result = pickle.loads(written)
    if not done:
        raise Failed(result)
    return result


def _in_the_child(writer, function, arguments, seconds):
    signal.alarm(seconds)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        result = (True, function(*arguments))
    except BaseException as error:  # noqa: BLE001: a tool may end in any way
        text = " ".join(str(error).split())
        result = (False, f"{type(error).__name__}: {text[:300]}")
    with os.fdopen(writer, "wb") as pipe:
        pickle.dump(result, pipe)
    os._exit(0)
