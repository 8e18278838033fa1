"""Brings the world up and runs a command inside, a shell if none is given."""

import argparse
import os
import sys
import time

from . import Failed, World, namespace


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/e2e/inside", description=__doc__)
    parser.add_argument("-d", "--daemon", metavar="PROGRAM", help="start this tlspolicyd, too")
    parser.add_argument("-c", "--config", metavar="FILE", help="its configuration; default: none")
    parser.add_argument("--rate-limit", type=int, default=200, metavar="N",
                        help="answers a second of the name server, 0: no limit (default: 200)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    config = open(options.config).read() if options.config else None
    try:
        namespace.enter()
        begun = time.monotonic()
        world = World(rate_limit=options.rate_limit)
        if options.daemon:
            world.start_daemon(os.path.abspath(options.daemon), config)
    except (Failed, namespace.Refused) as trouble:
        print(f"{parser.prog}: {trouble}", file=sys.stderr)
        return 69
    print(f"The world is up after {time.monotonic() - begun:.1f} s, its files are in "
          f"{world.directory}.", file=sys.stderr)
    try:
        command = options.command or [os.environ.get("SHELL", "/bin/sh")]
        return world.run(command)
    except KeyboardInterrupt:
        return 130
    finally:
        world.close()


if __name__ == "__main__":
    sys.exit(main())
