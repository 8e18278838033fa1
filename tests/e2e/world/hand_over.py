"""Becomes the program given, with open sockets as sd_listen_fds(3) describes it.

hand_over.py NUMBER,NUMBER... NAME:NAME... PROGRAM [ARGUMENT...]; no names for "-".
"""

import fcntl
import os
import sys

FIRST = 3

numbers, names, *command = sys.argv[1:]
given = [int(number) for number in numbers.split(",")]
# Out of the way first: their numbers may be those that they shall have.
aside = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 100) for number in given]
for number in given:
    os.close(number)
for wanted, number in enumerate(aside, FIRST):
    os.dup2(number, wanted)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(aside))
if names != "-":
    os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
