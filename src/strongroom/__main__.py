"""`python -m strongroom`, the same as the command `strongroom`."""

import sys

from strongroom.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
