from __future__ import annotations

from netspec.drawing.dot import to_dot
from netspec.drawing.mermaid import to_mermaid
from netspec.drawing.reading import picture_of
from netspec.spec.load import load_spec

SPEC = {
    "name": 'a "net"',
    "inputs": {"x": [3]},
    "blocks": {"tower": {"layers": [{"name": "ip", "type": "InnerProduct", "num_output": 2}]}},
    "layers": [{"block": "tower", "name": "a"}, {"name": "end", "type": "ReLU"}],
}

DOT = r"""digraph "a \"net\"" {
  graph [label="a \"net\", phase test, batch 1" labelloc=t fontname="sans-serif" fontsize=12]
  node [fontname="sans-serif" fontsize=10 margin="0.1,0.05"]
  edge [color="#6b7683" arrowsize=0.7]
  "x" [label="x: input\n1 x 3" shape=box style="rounded,filled" fillcolor="#e3f4ee" color="#2f8f73"]
  subgraph "cluster a" {
    graph [label="a: tower" labeljust=l style="rounded" color="#c3cad2" fontsize=10]
    "a/ip" [label="ip: InnerProduct\n1 x 2\n8 params" shape=box style="filled" fillcolor="#dfeafc" color="#3f74c9"]
  }
  "end" [label="end: ReLU\n1 x 2" shape=box style="filled" fillcolor="#ffffff" color="#a6b0bb"]
  "x" -> "a/ip" [tooltip="x"]
  "a/ip" -> "end" [tooltip="a/ip"]
}
"""

MERMAID = """---
title: 'a "net", phase test, batch 1'
---
flowchart TD
  n1(["x: input<br/>1 x 3"]):::data
  subgraph b1 ["a: tower"]
    n2["ip: InnerProduct<br/>1 x 2<br/>8 params"]:::weights
  end
  n3["end: ReLU<br/>1 x 2"]:::plain
  n1 --> n2
  n2 --> n3
  classDef data fill:#e3f4ee,stroke:#2f8f73,color:#1f2328
  classDef weights fill:#dfeafc,stroke:#3f74c9,color:#1f2328
  classDef plain fill:#ffffff,stroke:#a6b0bb,color:#1f2328
"""


def test_dot_has_clusters_for_blocks():
    assert to_dot(picture_of(load_spec(SPEC).net("test"))) == DOT


def test_mermaid_has_subgraphs_for_blocks():
    assert to_mermaid(picture_of(load_spec(SPEC).net("test"))) == MERMAID


def test_an_arrow_to_the_next_step_is_dashed():
    spec = {
        "inputs": {"x": {"shape": [4, 3], "batch": 1}},
        "blocks": {
            "cell": {
                "inputs": ["x", "h"],
                "layers": [{"name": "new", "type": "Eltwise", "bottom": ["x", "h"]}],
            }
        },
        "layers": [
            {"name": "r", "type": "Recurrent", "block": "cell", "state": {"h": {"next": "new", "shape": [3]}}},
        ],
    }
    picture = picture_of(load_spec(spec).net("test"))
    assert '"r/new" -> "r/h" [tooltip="r/new" style=dashed constraint=false]' in to_dot(picture)
    assert "-.->" in to_mermaid(picture)
