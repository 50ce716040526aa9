"""The Markdown report, made from records."""

from __future__ import annotations

import pytest

from bench.race import Row
from bench.report import report
from bench.tables import ms, number, table

MACHINE = {"cpu": "a processor", "isa": "avx2", "cores": 2, "python": "3.11", "memory_bytes": 2**34, "system": "Linux"}
EACH = {"machine": MACHINE, "commit": "abc", "seconds": 90.0}
FACTS = {"flops": 2e8, "peak_flops": 2e11, "kernels": 21, "steps": 30}
MS = {"netspec": [2.0, 3.0, 2.5], "torch-nchw": [9.0, 8.0, 7.0], "torch-channels_last": [5.0, 6.0, 5.0]}
BYTES = {"netspec": 10**8, "torch-nchw": 3 * 10**8, "torch-channels_last": 2 * 10**8}
LIBRARY = {"netspec": 4 * 10**7, "torch-nchw": 10**8, "torch-channels_last": 10**8}


def train(net="lenet", **more):
    given = {"ms": MS, "peak_bytes": BYTES, "library_bytes": LIBRARY, "facts": FACTS, "versions": {"torch": "2"}}
    found = Row("train", net, (1, 28, 28), 64, 2, goal=2.0, **{**given, "differences": {"netspec": 2e-7}, **more})
    return found.to_dict() | EACH


def infer(**more):
    times = {"netspec": [1.0], "torch-nchw": [0.5], "onnxruntime": [1.5]}
    found = Row("infer", "lenet", (1, 28, 28), 16, 2, goal=1.0, ms=times, peak_bytes=BYTES, **more)
    return found.to_dict() | EACH


def test_the_head_says_what_it_was_run_on():
    text = report([train()])
    assert text.startswith("**a processor** (avx2), 2 cores, 16 GiB, Linux, Python 3.11.\n")
    assert "torch 2, commit abc. Measured in 2 minutes." in text


def test_a_training_row_has_times_both_ratios_the_goal_and_the_share_of_peak():
    cells = "| lenet | 1 x 28 x 28, 64 | 2 (2.5) | 7 (8) | 5 (5) | 2.50 | 2.00 | 2 | yes | 50 % | 2e-07 |"
    assert cells in report([train()])
    assert "In a loop of multiply-adds these cores reach 200 GFLOP/s." in report([train()])


def test_memory_is_compared_with_the_reference():
    assert "| lenet | 100 / 200 | 0.50 | yes | 60 / 100 | 21 | 30 |" in report([train()])


def test_the_report_says_where_the_time_goes():
    group = {"kind": "conv direct", "steps": 3, "s": 1e-3, "flops": 10**8, "bytes": 10**7, "bound_s": 5e-4}
    text = report([train(facts={**FACTS, "bandwidth": 5e10, "where": [group]})])
    assert "bytes at 50 GB/s" in text
    assert "| lenet | conv direct | 3 | 1 | 100 % | 100 | 50 % | 10 | 0.5 |" in text


def test_nets_come_in_the_order_of_the_table_whatever_the_files():
    text = report([train("resnet20"), train("mlp")])
    assert text.index("| mlp |") < text.index("| resnet20 |")


def test_threads_and_dtypes_have_tables_of_their_own():
    text = report([train(), train() | {"threads": 1}, train() | {"dtype": "f64"}])
    heads = [line for line in text.splitlines() if line.startswith("###")]
    assert heads == [
        "### Training step, float32, 2 threads",
        "### Training step, float32, 1 thread",
        "### Training step, float64, 2 threads",
    ]


def test_two_machines_are_two_reports():
    other = train() | {"machine": {**MACHINE, "cpu": "another"}}
    text = report([train(), other])
    assert "**a processor**" in text
    assert "**another**" in text
    assert text.count("### Training step") == 2


def test_a_skipped_contender_and_a_busy_machine_are_told():
    text = report([train(skipped={"torch-compiled": "no compiler"}, busy=0.3), train("mlp")])
    assert "Does not count: torch.compile: no compiler (lenet)." in text
    assert "**Others were busy before these rows, which say little:** train lenet." in text


def test_wrong_results_of_netspec_cannot_be_overlooked():
    assert "**netspec is wrong**" in report([train(skipped={"netspec": "its results differ by 1"})])


def test_inference_is_judged_by_onnx_runtime():
    assert "| lenet | 1 (1) | 0.5 (0.5) | 1.5 (1.5) | 0.50 | 0.50 | 1.50 | 1.50 | yes | 100 / 300 | - |" in report(
        [infer()]
    )


@pytest.mark.parametrize(("cold", "warm", "word"), [(9.0, 1.9, "yes"), (16.0, 1.9, "partly"), (16.0, 3.0, "no")])
def test_a_warm_start_may_take_a_step_more_than_its_goal(cold, warm, word):
    record = {"part": "start", "net": "lenet", "threads": 2, "cold_s": cold, "warm_s": [warm, warm, 9.0]}
    record |= {"step_s": 0.5, "kernels": 30, "cache_bytes": 2e6, "compile_s": cold - warm, "torch_s": [2.0]}
    line = f"| lenet | {cold:.1f} | {warm:.2f} | 0.5 | {word} | 30 | 2.0 | {cold - warm:.1f} | 2.00 |"
    assert line in report([record | EACH])


def test_sizes_are_summed():
    record = {"part": "size", "netspec": {"netspec": 10**6, "numba": 3 * 10**6}, "torch": {"torch": 8 * 10**6}}
    text = report([record | EACH])
    assert "| netspec | numba 3.0, netspec 1.0 | 4 | 1.00 |" in text
    assert "| torch | torch 8.0 | 8 | 0.50 |" in text


def test_the_sweep_lists_what_is_below_the_limit():
    ways = {"forward": "fft", "dx": "direct", "dw": "direct"}
    case = {"text": "1 x 2", "ways": ways, "gflop": 1.0, "ms": {"netspec": 2.0, "torch-nchw": 1.0}, "difference": 1e-6}
    rows = [case | {"ratio": 0.5}, case | {"ratio": 2.0, "text": "3 x 4"}]
    record = {"part": "sweep", "threads": 2, "seed": 0, "cases": rows, "geometric_mean": 1.0, "under_least": 1}
    text = report([record | {"disagree": 0, "by_kind": {"plain": [2, 1.0]}} | EACH])
    assert "geometric mean **1.00** (goal 1.5); 1 cases under 0.8; 0 disagree; seed 0" in text
    assert "| 1 x 2 | fft, direct, direct | 1 | 2 | 1 | 0.50 | 1e-06 |" in text
    assert "3 x 4" not in text


def test_more_threads_than_cores_are_compared_with_as_many():
    times = {f"netspec {n} {busy}": [2.0 + n] for n in (1, 2, 4) for busy in (0, 1)}
    record = {"part": "threads", "net": "mlp", "cores": 2, "threads": [1, 2, 4], "ms": times}
    assert "| mlp | netspec | 4 | 6 | 1.50 | 6 | 1.00 | 0.80 |" in report([record | EACH])


def test_numbers_keep_three_digits_and_never_an_exponent():
    assert [number(x) for x in (0.01234, 1.0, 12.34, 123.4, 1234.5, None)] == [
        "0.0123", "1", "12.3", "123", "1234", "-",
    ]  # fmt: skip
    assert ms([4.0, 1.0, 2.0, 3.0]) == "1 (2.5)"
    assert ms([]) == "-"
    assert table(["a", "b"], [["x", "1"]]) == ["| a | b |", "| --- | ---: |", "| x | 1 |", ""]
