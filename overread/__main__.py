"""``python -m overread`` is the ``overread`` command."""

import sys

from overread.cli import main

sys.exit(main())
