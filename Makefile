.PHONY: check test slow exhaustive cluster-test benchmarks
PYTHON ?= .venv/bin/python

check: test           ## what a commit must pass
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -q

slow:
	$(PYTHON) -m pytest -q -m slow

exhaustive:           ## every place at which something can fail: about 20 minutes
	$(PYTHON) -m pytest -q -m exhaustive

cluster-test:         ## a real cluster: three hosts by SSH; needs root, openssh-server, rsync, iproute2
	$(PYTHON) -m pytest -n 0 -q -s -m cluster tests/cluster

benchmarks:           ## every benchmark at small sizes: whether it works, no figures
	for benchmark in $(filter-out benchmarks/machine.py, $(wildcard benchmarks/*.py benchmarks/models/*.py)); do \
	  $(PYTHON) $$benchmark --quick || exit 1; done
