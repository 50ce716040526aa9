"""Small nets made straight with the builder, for tests of passes and plans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.ir import Graph, Value
from runtime.ops import Guard, Shape


@dataclass(frozen=True)
class Uniform:
    """A filler: U(-scale, scale)."""

    scale: float = 0.3

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return (b.uniform(shape, stream) - 0.5) * (2 * self.scale)


class Toy:
    """Layers as functions over a builder, with a loss and momentum SGD at the end."""

    def __init__(self, dtype: str = "f64", batch: int = 3, phase: str = "train"):
        self.b = Builder(phase, dtype, batch)
        self.batch = batch
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def conv(
        self, x: Value, k: int, r: int, stride: int = 1, pad: int = 0, groups: int = 1, dilation: int = 1
    ) -> Value:
        b = self.b
        with b.scope(self.name("conv")):
            w = b.param("weight", (k, x.shape[1] // groups, r, r), Uniform())
            bias = b.param("bias", (k,), Uniform())
            y = b.conv(x, w, (stride, stride), (pad, pad), (dilation, dilation), groups)
            return y + b.reshape(bias, (1, k, 1, 1))

    def relu(self, x: Value, slope: float = 0.0) -> Value:
        with self.b.scope(self.name("relu")):
            return self.b.where(x > 0, x, slope * x)

    def max_pool(self, x: Value, k: int = 2) -> Value:
        _n, _c, h, w = x.shape
        with self.b.scope(self.name("pool")):
            return self.b.max_pool(x, (k, k), (k, k), (0, 0), (-(-h // k), -(-w // k)))[0]

    def fc(self, x: Value, k: int) -> Value:
        b = self.b
        with b.scope(self.name("fc")):
            if x.rank == 2:
                x = b.reshape(x, (*x.shape, 1, 1))
            n, c, h, w = x.shape
            weight = b.param("weight", (k, c * h * w), Uniform())
            bias = b.param("bias", (k,), Uniform())
            y = b.conv(x, b.reshape(weight, (k, c, h, w)))
            return b.reshape(y, (n, k)) + b.reshape(bias, (1, k))

    def batch_norm(self, x: Value) -> Value:
        b = self.b
        c = x.shape[1]
        with b.scope(self.name("bn")):
            mean, variance = b.state("mean", (c,)), b.state("variance", (c,), 1.0)
            gamma = b.param("scale", (c,), Uniform())
            m, v = b.moments(x, (0, 2, 3))
            b.write(mean, 0.9 * mean + 0.1 * b.reshape(m, (c,)))
            b.write(variance, 0.9 * variance + 0.1 * b.reshape(v, (c,)))
            return (x - m) * b.rsqrt(v + 1e-5) * b.reshape(gamma, (1, c, 1, 1))

    def dropout(self, x: Value, ratio: float = 0.4) -> Value:
        b = self.b
        with b.scope(self.name("drop")):
            keep = b.uniform(x.shape) >= ratio
            return x * b.to_float(keep) / (1 - ratio)

    def lrn(self, x: Value, size: int = 3) -> Value:
        b = self.b
        with b.scope(self.name("lrn")):
            return x * (1.0 + b.window(x * x, size) * 0.1) ** -0.75

    def softmax_loss(self, x: Value, label: Value) -> Value:
        b = self.b
        with b.scope(self.name("loss")):
            index = b.index(x.shape, 1)
            right = b.equal(index, b.reshape(label, (label.shape[0], 1)))
            picked = b.sum(b.where(right, x, 0.0), 1)
            return b.as_scalar(b.sum(b.logsumexp(x, 1) - picked) * (1.0 / x.shape[0]))

    def finish(self, loss: Value, rate: float = 0.1, momentum: float = 0.9) -> Graph:
        """Guard, gradients and the update of every parameter."""
        b, graph = self.b, self.b.graph
        graph.loss = loss
        graph.outputs["loss"] = loss
        with b.segment("guard"), b.scope("loss"):
            b.emit(Guard(), loss)
        params = [s for s in graph.states.values() if s.role == "param"]
        for state, g in zip(params, gradients(b, loss, [s.read for s in params]), strict=True):
            assert g is not None
            graph.grads[state.name] = g
        with b.segment("update"):
            for state in params:
                with b.scope(state.name.rpartition(".")[0], "update"):
                    history = b.state_of(state.name + ".history", "solver", state.read.shape)
                    decayed = graph.grads[state.name] + 0.01 * state.read
                    moved = momentum * history + b.scalar("rate") * rate * decayed
                    b.write(history, moved)
                    b.write(state.read, state.read - moved)
        return graph


def lenet(dtype: str = "f64", batch: int = 3) -> Graph:
    """Two convolutions with pooling, two fully connected layers."""
    t = Toy(dtype, batch)
    x, label = t.b.input("data", (batch, 1, 12, 12)), t.b.input("label", (batch,), "i32")
    y = t.max_pool(t.conv(x, 5, 3))
    y = t.relu(t.max_pool(t.conv(y, 6, 3, pad=1)))
    y = t.fc(t.relu(t.fc(y, 11)), 4)
    return t.finish(t.softmax_loss(y, label))


def residual(dtype: str = "f64", batch: int = 3) -> Graph:
    """Batch normalisation, a residual sum with a strided projection, global average."""
    t = Toy(dtype, batch)
    x, label = t.b.input("data", (batch, 3, 9, 9)), t.b.input("label", (batch,), "i32")
    y = t.relu(t.batch_norm(t.conv(x, 6, 3, pad=1)))
    z = t.batch_norm(t.conv(t.relu(t.batch_norm(t.conv(y, 7, 3, stride=2, pad=1))), 7, 3, pad=1))
    y = t.relu(z + t.batch_norm(t.conv(y, 7, 1, stride=2)))
    with t.b.scope("pool"):
        y = t.b.mean(y, (2, 3))
    return t.finish(t.softmax_loss(t.fc(y, 4), label))


def inception(dtype: str = "f64", batch: int = 2) -> Graph:
    """Concatenated branches, slices, LRN, dropout, groups and dilation."""
    t = Toy(dtype, batch)
    b = t.b
    x, label = b.input("data", (batch, 4, 7, 7)), b.input("label", (batch,), "i32")
    one = t.relu(t.conv(x, 3, 1))
    three = t.relu(t.conv(t.relu(t.conv(x, 4, 1)), 4, 3, pad=1, groups=2), 0.1)
    wide = t.relu(t.conv(x, 2, 3, pad=2, dilation=2))
    with b.scope("concat"):
        y = b.concat([one, three, wide], 1)
    y = t.lrn(y)
    with b.scope("slice"):
        left, right = b.slice(y, 1, 0, 5), b.slice(y, 1, 5, 9)
    y = t.dropout(t.max_pool(t.conv(left, 5, 3, pad=1), 3))
    z = t.max_pool(t.conv(right, 5, 3, pad=1), 3)
    with b.scope("join"):
        y = b.concat([y, z], 1)
    return t.finish(t.softmax_loss(t.fc(y, 4), label))


def recurrent(dtype: str = "f64", batch: int = 3, steps: int = 5) -> Graph:
    """Words, an LSTM over time with marks of sequences and a carried state, a score for each step."""
    t, size, words = Toy(dtype, batch), 6, 4
    b = t.b
    data, label = b.input("data", (steps * batch,), "i32"), b.input("label", (steps * batch,), "i32")
    cont = b.input("cont", (steps * batch,))
    with b.scope("embed"):
        x = b.gather(b.param("weight", (words, 3), Uniform()), data)
    with b.scope("lstm"):
        z = b.matmul(x, b.param("weight_x", (4 * size, 3), Uniform()), transpose_b=True)
        z = z + b.param("bias", (4 * size,), Uniform())
        weight = b.param("weight_h", (4 * size, size), Uniform())
        first = [b.carried(name, (batch, size)) for name in "hc"]

        def body(slices: list[Value], states: list[Value]) -> tuple[list[Value], list[Value]]:
            made = b.matmul(states[0], weight, transpose_b=True)
            i, f, o, g = (b.slice(slices[0] + made, 1, k * size, (k + 1) * size) for k in range(4))
            c = b.sigmoid(f) * states[1] + b.sigmoid(i) * b.tanh(g)
            h = b.sigmoid(o) * b.tanh(c)
            return [h], [h, c]

        (y,), last = b.scan(steps, [z], first, body, cont)
        for state, value in zip(first, last, strict=True):
            b.write(state, value)
    return t.finish(t.softmax_loss(t.fc(y, words), label))


NETS = {"lenet": lenet, "residual": residual, "inception": inception, "recurrent": recurrent}


def feeds(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """Random data and labels 0..3 for a graph's inputs."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 4, v.shape).astype(np.int32) if v.dtype == "i32" else rng.normal(size=v.shape)
        for name, v in graph.inputs.items()
    }
