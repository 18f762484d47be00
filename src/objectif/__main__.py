"""python -m objectif: the same as the command `objectif`."""

import sys

from objectif.cli import main

sys.exit(main())
