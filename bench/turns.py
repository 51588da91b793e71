# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Engines take turns, with the machine to themselves."""

import contextlib
import fcntl
import pathlib
import tempfile
import time

from machine import Watch, measure_peak

# A turn during which others used more of the machine is taken again, after a while.
BUSY, PAUSE_SECONDS = 0.05, 1


def add_options(parser):
    parser.add_argument(
        "--lock", type=pathlib.Path, nargs="+", metavar="FILE",
        default=[pathlib.Path(tempfile.gettempdir()) / "attn-bench.lock"],
        help="held locked during each turn, one after the other, so that of the "
        "benchmarks on a machine one measures at a time (default: attn-bench.lock in the "
        "temporary folder)",
    )  # fmt: skip
    parser.add_argument(
        "--tries", type=int, default=4,
        help="turns that are taken where others use more than 5%% of the machine",
    )  # fmt: skip


class Turns:
    """Calls functions while the files of --lock are held and no other program runs;
    `engines` are the processes besides this one's children that do not count as
    others."""

    def __init__(self, options, engines):
        """With the options of add_options()."""
        self.locks, self.tries = options.lock, options.tries
        self.watch = Watch(engines)
        # Of each turn, the share of the machine that others used.
        self.shares = []

    @contextlib.contextmanager
    def alone(self):
        """Holds the files of --lock."""
        with contextlib.ExitStack() as stack:
            for path in self.locks:
                file = stack.enter_context(open(path, "a"))
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def take(self, function, *arguments):
        """Calls it until the machine was ours."""
        for number in range(self.tries):
            time.sleep(PAUSE_SECONDS if number else 0)
            with self.alone():
                value, others = self.watch.call(function, *arguments)
            if others <= BUSY:
                break
        self.shares.append(others)
        return value

    def peak(self, threads):
        """What peak.c finds."""
        with self.alone():
            return measure_peak(threads)

    @property
    def disturbed(self):
        """Turns that were never ours."""
        return sum(share > BUSY for share in self.shares)
