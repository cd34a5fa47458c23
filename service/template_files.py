"""Where the templates lie: inside the installed package, or beside it in a checkout. Touches nothing."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
TEMPLATES = next(folder for folder in (_PACKAGE / "templates", _PACKAGE.parent / "templates") if folder.is_dir())
