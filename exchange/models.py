"""Every noun's tables in one place, for migrations: importing this module registers them all."""

import importlib
from pathlib import Path

for _file in sorted(Path(__file__).parent.glob("*/*models.py")):
    importlib.import_module(f"exchange.{_file.parent.name}.{_file.stem}")
