"""Every noun's tables in one place, for migrations: importing this module registers them all."""

import importlib
from pathlib import Path

for _folder in sorted(Path(__file__).parent.glob("*/models.py")):
    importlib.import_module(f"exchange.{_folder.parent.name}.models")
