"""Runs a command at a terminal of its own, as a person would: terminal.py TYPED COMMAND...

Types one line and prints everything that appears. Ends as the command does.
"""

import os
import pty
import sys

typed, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
os.write(terminal, typed.encode() + b"\n")
while True:
    try:
        shown = os.read(terminal, 4096)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
sys.stdout.buffer.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
