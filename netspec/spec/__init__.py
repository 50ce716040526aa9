"""Reading a spec: YAML with marks to typed entries, variables, blocks and phases resolved, diagnostics collected."""
