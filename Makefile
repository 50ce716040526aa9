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

docs: ## write docs/layers, docs/zoo.md and docs/pictures anew from the layer classes and the specs
	$(PYTHON) docs/generate_layers.py
	$(PYTHON) docs/generate_zoo.py
	$(PYTHON) -m netspec.cli.main draw specs/lenet.yaml -o docs/pictures/lenet.svg
	$(PYTHON) -m netspec.cli.main draw specs/googlenet.yaml --depth 1 -o docs/pictures/googlenet.svg
