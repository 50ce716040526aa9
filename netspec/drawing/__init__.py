"""Drawings of a net: its layers with their blocks as boxes, as SVG, DOT or Mermaid text."""
