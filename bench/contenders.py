"""The contenders by name, and why one may be missing on this machine."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from typing import Any

from bench.cases import CASES

TORCH = ("torch-nchw", "torch-channels_last", "torch-compiled")
TRAINING = ("netspec", *TORCH)
INFERENCE = (*TRAINING, "onnxruntime", "opencv-new", "opencv-classic")
EXTRA = ("torch-compiled-channels_last",)
"""Measured when asked for."""

NEEDS = {"netspec": "runtime.cpu.executor", "torch": "torch", "onnxruntime": "onnxruntime", "opencv": "cv2"}
"""What a contender cannot do without, by the first part of its name; it is loaded before memory is looked at."""
LABELS = {
    "netspec": "netspec",
    "torch-nchw": "PyTorch N C H W",
    "torch-channels_last": "PyTorch channels last",
    "torch-compiled": "torch.compile",
    "torch-compiled-channels_last": "torch.compile, channels last",
    "onnxruntime": "ONNX Runtime",
    "opencv-new": "OpenCV dnn",
    "opencv-classic": "OpenCV dnn, classic engine",
}


def why_missing(name: str) -> str | None:
    """None if the contender can run here, else what it lacks."""
    module = NEEDS[name.partition("-")[0]]
    if importlib.util.find_spec(module) is None:
        return f"{module} is not installed"
    if "compiled" in name and not has_cpp_compiler():
        return "torch.compile needs a C++ compiler, and there is none"
    return None


def has_cpp_compiler() -> bool:
    """Whether ``$CXX``, g++ or clang++ is there to be called."""
    return any(shutil.which(name) for name in (os.environ.get("CXX"), "g++", "clang++") if name)


def make(task: str, name: str, request: dict[str, Any]) -> Any:
    """The contender ``name`` for ``train``, ``infer`` or ``sweep``.

    It has ``versions``, ``step()`` and, depending on the task, ``result()``.
    The library is imported here: each contender lives in a process of its own.
    """
    library, _, variant = name.partition("-")
    threads = request["threads"]
    if task.startswith("gpu-"):
        return _on_gpu(task, library, variant, request)
    if task == "sweep":
        return importlib.import_module(f"bench.{library}_sweep").Sweep(threads, *([variant] if variant else []))
    case = CASES[request["net"]]
    if library in ("onnxruntime", "opencv"):
        module = importlib.import_module("bench.onnx_side")
        if library == "opencv":
            return module.OpenCv(case, threads, request["batch"], request["onnx"], variant)
        return module.OnnxRuntime(case, threads, request["batch"], request["onnx"])
    side = importlib.import_module(f"bench.{library}_side")
    more = [variant] if variant else []
    if task == "train":
        pairing = request.get("pairing", True)
        return side.Training(case, threads, request["dtype"], request["dropout"], *more, pairing=pairing)
    return side.Inference(case, threads, request["batch"], *more)


def _on_gpu(task: str, library: str, variant: str, request: dict[str, Any]) -> Any:
    """A contender of ``bench.gpu``."""
    side = importlib.import_module(f"bench.gpu_{library}")
    if task == "gpu-rates":
        return side.Rates()
    if task == "gpu-products":
        return side.Products(request["math"])
    case = importlib.import_module("bench.gpu_cases").CASES[request["net"]]
    return side.Training(case, request["math"], request["dropout"], *([variant] if variant else []))
