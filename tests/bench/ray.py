"""A library on the nodes of a Ray cluster: what breaks there, and how fast one writer is.

With real Ray on this machine; see `ray_faults` and `ray_scaling`.
"""

import importlib.util

from tests.bench import ray_faults, ray_scaling
from tests.support.ray_cluster import NotBegunError


def main() -> int:
    """Print two tables; how many things were not as they should be."""
    if importlib.util.find_spec("ray") is None:
        print("ray: not run, for Ray is not installed: pip install 'promptsheet[ray]'")
        return 0
    try:
        wrong = ray_faults.main()
        ray_scaling.main()
    except NotBegunError as error:
        print(f"ray: not run to its end: {error}")
        return 1
    return wrong
