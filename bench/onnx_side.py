"""Runtimes that load a net from ONNX: ONNX Runtime, and OpenCV's dnn with either of its engines."""

from __future__ import annotations

import numpy as np

from bench.cases import Case


class OnnxRuntime:
    """ONNX Runtime on the CPU, all optimisations."""

    def __init__(self, case: Case, threads: int, batch: int, path: str) -> None:
        import onnxruntime  # each contender lives in a process of its own and must not load another's library

        self.versions = {"onnxruntime": onnxruntime.__version__}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._feed = {self._session.get_inputs()[0].name: case.data(batch)[0]}
        self._scores = np.zeros(0, np.float32)

    def step(self) -> None:
        """One batch."""
        self._scores = self._session.run(None, self._feed)[0]

    def result(self) -> list[float]:
        """The scores of the last batch."""
        return [float(score) for score in self._scores.ravel()]


class OpenCv:
    """OpenCV's dnn module."""

    def __init__(self, case: Case, threads: int, batch: int, path: str, engine: str) -> None:
        import cv2  # as above

        self.versions = {"opencv": cv2.__version__}
        cv2.setNumThreads(threads)
        engines = {"new": "ENGINE_NEW", "classic": "ENGINE_CLASSIC"}
        chosen = getattr(cv2.dnn, engines[engine])
        self._net = cv2.dnn.readNetFromONNX(path, engine=chosen)
        self._x = case.data(batch)[0]
        self._scores = np.zeros(0, np.float32)

    def step(self) -> None:
        """One batch."""
        self._net.setInput(self._x)
        self._scores = self._net.forward()

    def result(self) -> list[float]:
        """The scores of the last batch."""
        return [float(score) for score in np.ravel(self._scores)]
