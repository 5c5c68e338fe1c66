"""What this machine's processor can do."""

import pytest

from engine.machine import usual_dtype


@pytest.mark.parametrize(
    ("facts", "dtype"),
    [
        (("model name : one of 2023", "flags : avx2 avx512f avx512_bf16", "flags : "), "bfloat16"),
        (("flags : avx2 amx_tile amx_bf16",), "bfloat16"),
        (("flags : avx2 avx512f amx_tile amx_int8",), "float32"),
        (("Features : asimd bf16",), "float32"),
        ((), "float32"),
    ],
)
def test_a_processor_computes_in_bfloat16_where_it_has_instructions_for_that(
    monkeypatch: pytest.MonkeyPatch, facts: tuple[str, ...], dtype: str
) -> None:
    monkeypatch.setattr("engine.machine.processor_facts", lambda: facts)
    assert usual_dtype("cpu") == dtype
    assert usual_dtype("cuda:1") == "bfloat16"
