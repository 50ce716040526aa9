"""The compiler: from a graph of primitives to a plan. It knows nothing of YAML."""
