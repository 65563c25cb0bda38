"""How this mqbroker was installed: its hot modules compiled, or as the Python that they are.

A build compiles all of them or none (setup.py), so one of them tells for all.
"""

from mqbroker.core.routing import route

FORM = "interpreted" if route.__file__.endswith(".py") else "compiled"
