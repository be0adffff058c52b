"""A client of its own: starts what it is told to start and lends it its standard streams.

So the process behind a shim is not the test itself, as with a real client.
"""

import subprocess
import sys

sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
