"""`python -m proxy` is the command `lockgate`."""

import sys

from proxy.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
