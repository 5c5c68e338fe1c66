"""What pytest-xdist takes for its workers' interpreter: they are forked, as they import torch."""

import os
import sys
import types
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])

from tests.support.fork_server import Asked, Forked


def run(code: str) -> int:
    """Run the code of `python -c`."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(code, vars(main))
    return 0


def main() -> int:
    """Be a process that ends as the forked one does."""
    from tests.support import worker

    asked = Asked(
        words=["-c"],
        environment=dict(os.environ),
        folder=str(Path.cwd()),
        numbers=(0, 1, 2),
        own_session=False,
        act=worker.run,
        arguments=(sys.argv[-1],),
        forks=False,  # a worker has threads: what tests start themselves is started in earnest
    )
    status = Forked(asked, (0, 1, 2), "tests").wait()
    assert status is not None
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    os._exit(main())
