"""Makes fixtures_work importable by name, in this process and in the children that the executor starts."""

import os
import sys

HERE = os.path.dirname(__file__)
sys.path.insert(0, HERE)
os.environ["PYTHONPATH"] = os.pathsep.join([HERE, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]).strip(
    os.pathsep
)
