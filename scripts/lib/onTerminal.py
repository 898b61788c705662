"""Runs a command on a terminal of its own. Frames on stdin: `s COLUMNS ROWS` sets its size, `k HEX` types; its output is stdout, its end the exit code."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

columns, rows, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    # The size is there before the command looks at it.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
    os.execvp(command[0], command)

signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
pending, watched = b"", [terminal, 0]
while terminal in watched:
    ready, _, _ = select.select(watched, [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            watched.remove(0)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            what, *rest = line.decode().split()
            if what == "s":
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", int(rest[1]), int(rest[0]), 0, 0))
            else:
                os.write(terminal, bytes.fromhex(rest[0]))
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
