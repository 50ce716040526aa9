"""The runtime: runs plans. It knows nothing of layers or YAML."""
