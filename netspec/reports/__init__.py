"""What is told about a net: tables and JSON documents, each figure from the graph or the plan."""
