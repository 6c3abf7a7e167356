"""`python -m entraclaw`, the same as the `entraclaw` command."""

import sys

from entraclaw.bot.start import main

if __name__ == "__main__":
    sys.exit(main())
