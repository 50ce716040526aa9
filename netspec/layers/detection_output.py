"""DetectionOutput."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes
from netspec.layers.priors import OverPriors
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class DetectionOutput(OverPriors):
    """The boxes that SSD finds: priors moved as predicted, suppressed class by class, the best of an image.

    Shapes
        loc : N x 4P, conf : N x C P (behind a softmax), priors : 1 x 2 x 4P of PriorBox ->
        found : 1 x 1 x (N K) x 7 (number of the image, class, score, x1, y1, x2, y2 as
        parts of the image), K = ``keep_top_k`` rows for each image, by falling score; a
        second top, if named, gets how many there are : N. Rows beyond are -1, 0, .. 0.
    Formula
        A prior w x h around c becomes ``c + (v1 dx w, v2 dy h)``, ``(w exp v3 dw) x (h exp
        v4 dh)`` with its variances v. Scores above ``confidence_threshold``, the best
        ``top_k`` of a class, go through NMS class by class.
    Gradient
        None.
    Source
        Liu et al. 2016; NVIDIA Caffe ``DetectionOutputLayer`` with CENTER_SIZE, which has as
        many rows as it finds, class by class, and a smaller threshold for later boxes
        (eta). ``nms_param``'s fields are the layer's own here.
    Example
        inputs: {x: [8, 4, 4], image: [3, 32, 32], loc: [128], conf: [96]}
        layers:
          - {name: priors, type: PriorBox, bottom: [x, image], min_size: 8, max_size: 16}
          - {name: found, type: DetectionOutput, bottom: [loc, conf, priors], num_classes: 3, keep_top_k: 4}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 3)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    nms_threshold: float = field(0.3, minimum=0, maximum=1, doc="overlap above which the lower score gives way")
    top_k: int = field(0, minimum=0, doc="boxes of a class that NMS looks at, the best; 0: all")
    keep_top_k: int = field(200, minimum=1, doc="boxes of an image")
    confidence_threshold: float = field(0.0, minimum=0, maximum=1, doc="scores up to this are left out")

    def shapes(self, loc: Shape, conf: Shape, priors: Shape) -> tuple[Shape, ...]:
        self.check_priors(loc, conf, priors)
        return ((1, 1, loc[0] * self.keep_top_k, 7), (loc[0],))[: max(1, len(self.top_names))]

    def lower(self, b: Builder, loc: Value, conf: Value, priors: Value) -> tuple[Value, ...]:
        n, p, c, k = loc.shape[0], priors.shape[2] // 4, self.num_classes - 1, self.keep_top_k
        prior, variance = self.prior_parts(b, priors)
        steps = boxes.parts(b, b.reshape(b.stop_gradient(loc), (n, p, 4)))
        moved = boxes.moved(b, prior, boxes.Box(*(s * v for s, v in zip(steps, variance, strict=True))), 0.0)
        corners = b.concat(list(moved), -1)
        scores = b.slice(b.reshape(b.stop_gradient(conf), (n, p, c + 1)), 2, 1, c + 1)
        marks = b.transpose(b.where(scores > self.confidence_threshold, scores, float("-inf")), (0, 2, 1))

        capacity = min(k, p)
        wide = b.reshape(b.broadcast_to(b.reshape(corners, (n, 1, p, 4)), (n, c, p, 4)), (n * c, p, 4))
        index, _ = b.nms(wide, b.reshape(marks, (n * c, p)), self.nms_threshold, capacity, self.top_k)
        kept = b.gather(b.reshape(marks, (n * c, p, 1)), index, lead=1)
        # slots beyond the count hold 0: they must not come before a score
        kept = b.reshape(b.where(b.reshape(index, kept.shape) >= 0, kept, -1.0), (n, c * capacity))
        short = k - c * capacity
        if short > 0:
            kept = b.concat([kept, b.full((n, short), -1.0)], 1)
        values, slots = b.top_k(kept, k)
        real = values >= 0.0
        chosen = b.gather(b.reshape(index, (n, c * capacity, 1)), slots, lead=1)
        places = b.gather(corners, b.reshape(chosen, (n, k)), lead=1)
        label = b.apply("floor", (b.to_float(slots) + 0.5) / float(capacity)) + 1.0
        number = b.to_float(b.where(real, b.index(real.shape, 0), -1))
        columns = [number, b.where(real, label, 0.0), b.where(real, values, 0.0)]
        head = b.concat([b.reshape(v, (n, k, 1)) for v in columns], -1)
        rows = b.concat([head, b.where(b.reshape(real, (n, k, 1)), places, 0.0)], -1)
        count = b.apply("to_int", b.reshape(b.sum(real, 1), (n,)))
        return (b.reshape(rows, (1, 1, n * k, 7)), count)[: max(1, len(self.top_names))]
