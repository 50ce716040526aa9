"""The part of the builder that takes elements by their numbers: gather, scatter, top_k, patches, places in maps."""

from __future__ import annotations

from math import prod

from compiler.emitter import Emitter
from compiler.ir import Value
from runtime import ops
from runtime.expr import Expr, arg, call, const, to_float
from runtime.ops import Pair, Shape


class Indexing(Emitter):
    """Methods over integer operands."""

    def gather(self, x: Value, index: Value, lead: int = 0) -> Value:
        """Rows of ``x`` by number; zeros for a number outside [0, V).

        Parameters
        ----------
        x
            V x .. (with ``lead`` common axes in front).
        index
            i32 of any shape (behind the same ``lead`` axes).

        Returns
        -------
        The index's shape, then the rest of x's.
        """
        assert x.shape[:lead] == index.shape[:lead], (x, index, lead)
        rest = x.shape[lead + 1 :]
        front = (prod(x.shape[:lead]),) if lead else ()
        rows = self.reshape(x, (*front, x.shape[lead], prod(rest)))
        flat = self.reshape(index, (*front, prod(index.shape[lead:])))
        return self.reshape(self.emit(ops.Gather(), rows, flat)[0], (*index.shape, *rest))

    def scatter_add(self, y: Value, index: Value, size: int, lead: int = 0) -> Value:
        """Adjoint of ``gather``: a table of ``size`` rows, each the sum of the rows of ``y`` that have its number.

        Parameters
        ----------
        y
            The index's shape, then any other axes.
        index
            i32; numbers outside [0, size) are left out.
        size
            Rows of the table, behind the first ``lead`` axes.
        """
        assert y.shape[: index.rank] == index.shape, (y, index)
        rest = y.shape[index.rank :]
        front = (prod(index.shape[:lead]),) if lead else ()
        count = prod(index.shape[lead:])
        rows, flat = self.reshape(y, (*front, count, prod(rest))), self.reshape(index, (*front, count))
        return self.reshape(self.emit(ops.ScatterAdd(size), rows, flat)[0], (*index.shape[:lead], size, *rest))

    def top_k(self, x: Value, count: int, axis: int = -1) -> tuple[Value, Value]:
        """(values, i32 index) of the ``count`` largest along ``axis``, falling; NaN first, the first index wins."""
        last, axis = x.rank - 1, axis % x.rank
        order = [*(a for a in range(x.rank) if a != axis), axis]
        moved = self.transpose(x, order)
        rows = self.reshape(moved, (prod(moved.shape[:last]), moved.shape[last]))
        back = [order.index(a) for a in range(x.rank)]
        found = (self.reshape(v, (*moved.shape[:last], count)) for v in self.emit(ops.TopK(count), rows))
        values, index = (self.transpose(v, back) for v in found)
        return values, index

    def patches(
        self, x: Value, kernel: Pair, stride: Pair, pad: Pair, dilation: Pair = (1, 1), size: Pair | None = None
    ) -> Value:
        """Windows of N x C x H x W as channels, N x (C R S) x ``size`` (default: those inside the padded map)."""
        if size is None:
            reach = [dilation[a] * (kernel[a] - 1) + 1 for a in (0, 1)]
            ho, wo = ((x.shape[2 + a] + 2 * pad[a] - reach[a]) // stride[a] + 1 for a in (0, 1))
            size = ho, wo
        return self.emit(ops.Patches(kernel, stride, pad, dilation, size), x)[0]

    def window_places(self, index: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> Value:
        """The index that ``max_pool`` gives, r S + s in the window, as h W + w in the map of ``size``, i32."""
        if index.shape[2:] == (1, 1) and pad == (0, 0) and kernel[1] == size[1]:
            return self.map(call("add", arg(0, "i32"), const(0)), index.shape, index)
        at = arg(0, "i32")
        # half a step above the boundary: no rounding can carry a quotient across
        r = call("to_int", call("floor", call("mul", call("add", to_float(at), const(0.5)), const(1.0 / kernel[1]))))
        s = call("sub", at, call("mul", r, const(kernel[1])))
        corner = [
            call("sub", call("mul", Expr("index", (), axis, "i32"), const(stride[k])), const(pad[k]))
            for k, axis in enumerate((-2, -1))
        ]
        h, w = call("add", corner[0], r), call("add", corner[1], s)
        return self.map(call("add", call("mul", h, const(size[1])), w), index.shape, index)

    def gather_places(self, x: Value, places: Value) -> Value:
        """Elements of N x C x H x W at h W + w of their own channel; zeros where there is no such place."""
        n, c, *size = x.shape
        flat = self._numbered(places, prod(size))
        rows = self.reshape(self.transpose(x, (0, 2, 3, 1)), (n, prod(size) * c))
        return self._as_map(self.gather(rows, flat, 1), places.shape)

    def scatter_places(self, y: Value, places: Value, size: Pair) -> Value:
        """Adjoint of ``gather_places``: N x C x ``size``, each element the sum of what names it, zeros elsewhere."""
        n, c = y.shape[:2]
        flat = self._numbered(places, prod(size))
        rows = self.reshape(self.transpose(y, (0, 2, 3, 1)), flat.shape)
        return self._as_map(self.scatter_add(rows, flat, prod(size) * c, 1), (n, c, *size))

    def _numbered(self, places: Value, count: int) -> Value:
        """Places of each channel as numbers of elements in N H W C order, N x (Ho Wo C); -1 for none."""
        n, c = places.shape[:2]
        assert count * c < 2**31, f"{count} x {c} elements of an image have no i32 numbers"
        at = arg(0, "i32")
        inside = call("and", call("ge", at, const(0)), call("lt", at, const(count)))
        number = call("add", call("mul", at, const(c)), Expr("index", (), -3, "i32"))
        numbers = self.map(call("where", inside, number, const(-1)), places.shape, places)
        return self.reshape(self.transpose(numbers, (0, 2, 3, 1)), (n, prod(places.shape[1:])))

    def _as_map(self, rows: Value, shape: Shape) -> Value:
        n, c, h, w = shape
        return self.transpose(self.reshape(rows, (n, h, w, c)), (0, 3, 1, 2))
