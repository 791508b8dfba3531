"""What the scripts of this folder share: a process and what it costs, two of them in alternation, and the machine."""

import argparse
import contextlib
import datetime
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Run(NamedTuple):
    """What one process took, those that it started and waited for included."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    output: bytes  # what it wrote to standard output, if that was asked for


class Spread(NamedTuple):
    least: float
    median: float
    most: float

    def __format__(self, form):
        return f"{self.median:{form}} ({self.least:{form}}–{self.most:{form}})"


class Failed(Exception):
    """A process that was killed, or did not exit with 0."""


def run(command, *, empty=None, output=False, errors=False, timeout=None, environment=None):
    """Runs a command to its end. The folder `empty` is emptied before; `errors` lets standard error through."""
    command = [str(part) for part in command]
    if empty:
        shutil.rmtree(empty, ignore_errors=True)
        empty.mkdir()
    streams = {
        "stdout": subprocess.PIPE if output else subprocess.DEVNULL,
        "stderr": None if errors else subprocess.DEVNULL,
    }
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, start_new_session=True, **streams)
    timer = threading.Timer(timeout, os.killpg, [process.pid, signal.SIGKILL]) if timeout else None
    if timer:
        timer.start()
    written = process.stdout.read() if output else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if timer:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"exit status {process.returncode} after {wall:.1f} s: {' '.join(command)}")
    return Run(wall, usage.ru_utime + usage.ru_stime, written)


def peak(command, *, empty=None, timeout=None):
    """The largest resident memory in MB that a command, or a process that it waited for, had in a run of its own.

    GNU time asks for it: Linux counts what a process was before `exec` as well, and that is all of Python when a
    script starts it, but a single megabyte when `time` does.
    """
    with tempfile.NamedTemporaryFile("r") as file:
        run(["/usr/bin/time", "--quiet", "-f", "%M", "-o", file.name, *command], empty=empty, timeout=timeout)
        return int(file.read()) / 1024


def in_pairs(ours, theirs, rounds):
    """What two functions return, pair by pair: A B, B A, A B, … The first pair warms the page cache and is dropped."""
    pairs = []
    for index in range(rounds + 1):
        if index % 2 == 0:
            pairs.append((ours(), theirs()))
        else:
            pairs.append(tuple(reversed((theirs(), ours()))))
    return pairs[1:]


def spread(figures):
    figures = list(figures)
    return Spread(min(figures), statistics.median(figures), max(figures))


def ratios(pairs, figure):
    """Ours ÷ theirs, of what `figure` takes from both."""
    return spread(figure(ours) / figure(theirs) for ours, theirs in pairs)


def show(name, figures):
    least, median, most = figures if isinstance(figures, Spread) else spread(figures)
    print(f"{name:40} median {median:8.2f}   min {least:8.2f}   max {most:8.2f}", flush=True)


def show_cost(what, command, empty, runs):
    """Prints what a command takes: the first run warms the page cache and gives the memory."""
    memory = peak(command, empty=empty)
    results = [run(command, empty=empty) for _ in range(runs)]
    show(f"{what}: wall seconds", [result.wall for result in results])
    show(f"{what}: CPU seconds", [result.cpu for result in results])
    print(f"{what}: peak {memory:.1f} MB", flush=True)


def found(report, name):
    """The first value of that name in a JSON report, however deep; None if there is none."""
    if isinstance(report, dict) and name in report:
        return report[name]
    parts = report.values() if isinstance(report, dict) else report if isinstance(report, list) else []
    return next((value for part in parts if (value := found(part, name)) is not None), None)


def arguments(description, runs):
    """The options of every script: `--binary`, `--runs`, `--folder`."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--binary", type=Path, help="the bn-tool to measure; default: the release build, made anew")
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--folder", type=Path, default=ROOT / "target", help="where to write: the file system counts")
    return parser


def binary(options):
    """The binary to measure."""
    if options.binary:
        return options.binary.resolve()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "bn-tool"


@contextlib.contextmanager
def scratch(options):
    """A new folder in `--folder`, which goes in the end."""
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        yield Path(folder)


def example(name, *parameters):
    """Runs a program of examples/, which writes a model."""
    command = ["cargo", "run", "--release", "--quiet", "--example", name, "--", *parameters]
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True)


def machine(folder):
    """On what it was measured, and when: a line of text."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    mount = ["findmnt", "-n", "-o", "FSTYPE", "-T", folder]
    system = subprocess.run(mount, stdout=subprocess.PIPE, text=True).stdout.strip()
    parts = [f"{model}, {os.cpu_count()} cores", f"{pages / 1e9:.0f} GB", f"Linux {platform.release()}", system]
    return ", ".join([*parts, f"Python {platform.python_version()}", str(datetime.date.today())])


def versions(modules, python=sys.executable):
    """The versions of Python packages, as that Python has them installed: `{name: version}`."""
    code = "import sys, importlib.metadata as m\nfor name in sys.argv[1:]: print(m.version(name))"
    done = subprocess.run([python, "-c", code, *modules], stdout=subprocess.PIPE, text=True, check=True)
    return dict(zip(modules, done.stdout.split()))


def markdown(head, rows):
    """Prints a table."""
    for row in [head, ["---"] * len(head), *rows]:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)
