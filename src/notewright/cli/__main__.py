"""`python -m notewright.cli`"""

import sys

from . import main

sys.exit(main())
