"""A clone of the repository, met as a package: `import charrnn` in the folder above it.

Python takes the clone's folder for the package, by its name. This hands over to the package inside;
without this file Python would make an empty package of the folder, and say nothing.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _hand_over() -> None:
    package = Path(__file__).parent / "charrnn"
    spec = spec_from_file_location(
        "charrnn", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None or not (package / "__init__.py").is_file():
        raise ImportError(
            f"{Path(__file__).parent} is the folder of a clone of charrnn, and the package in it, "
            f"{package}, is missing\n  restore it with `git checkout charrnn`, or leave this folder"
        )
    module = module_from_spec(spec)
    sys.modules["charrnn"] = module
    spec.loader.exec_module(module)


if __name__ == "charrnn":
    _hand_over()
