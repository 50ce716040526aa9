PYTHON ?= python

.PHONY: help check test slow bench docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check: ## style and types: ruff check, ruff format --check, mypy --strict
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test: ## the default tests
	$(PYTHON) -m pytest -q

slow: ## the long tests too (training runs, sweeps)
	$(PYTHON) -m pytest -q -m "not cuda"

bench: ## the benchmark against PyTorch (needs the extra netspec[bench])
	$(PYTHON) -m bench

docs: ## write docs/layers anew from the layer classes
	$(PYTHON) docs/generate_layers.py
