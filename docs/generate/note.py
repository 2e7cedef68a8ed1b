"""What every generated page begins with."""

from typing import Final

NOTE: Final = "<!-- written by docs/generate; change the code, then run: make docs -->\n\n"
