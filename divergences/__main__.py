"""`python -m divergences`."""

import sys

from divergences.cli import main

if __name__ == "__main__":
    sys.exit(main())
