"""Whose fault it is when a renderer cannot go on."""

import errno

import pytest

from engine.render.reasons import is_machines, load_reason

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("CUDA error: no kernel image is available"), "machine"),
        (RuntimeError("Found no NVIDIA driver on your system."), "machine"),
        (RuntimeError("can't start new thread"), "machine"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "machine"),
        (OSError(errno.EMFILE, "Too many open files"), "machine"),
        (ImportError("T5Tokenizer requires the SentencePiece library"), "not now"),
        (ImportError("No module named 'a_package_of_its_own'"), "not now"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (ValueError("a config that is none"), "load"),
    ],
)
def test_a_load_that_fails_is_the_machines_the_disks_or_the_models_fault(
    error: Exception, cause: str
) -> None:
    assert load_reason(error, "cuda:0")[0] == cause
    assert is_machines(error) == (
        cause == "machine" and "CUDA" not in str(error) and "NVIDIA" not in str(error)
    )


def test_on_the_cpu_no_gpu_is_to_blame() -> None:
    assert load_reason(RuntimeError("a CUDA error in a message"), "cpu")[0] == "load"
