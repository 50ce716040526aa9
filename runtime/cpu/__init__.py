"""The CPU engine: launchers (one file per kernel family), the kernels they generate, and the team that runs them."""
