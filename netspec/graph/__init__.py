"""The layer graph of each phase: wired, checked, with every shape.

The only folder that knows networkx.
"""

from __future__ import annotations

from netspec.graph.net import Input, Net, Node, ParamSpecEntry, Shape, blob_name

__all__ = ["Input", "Net", "Node", "ParamSpecEntry", "Shape", "blob_name"]
