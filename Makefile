# `make demo` on a fresh machine clones a voice; `make test` runs the tests; `make bench` measures.
# PYTHON is any Python from 3.10 on; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

demo: $(BIN)/installed
	$(BIN)/python demo_cli.py --reference saved_models/default/reference.flac \
	  --text "Hello there. This voice was made by a computer, from a few seconds of sound." \
	  --output demo.wav --plot demo.png --seed 1

test: $(BIN)/installed $(BIN)/installed-evaluation lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

lint: $(BIN)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(BIN)/installed
	$(BIN)/python -m benchmarks

$(BIN)/installed: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Timbre needs Python 3.10 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

# What `python -m evaluation` measures more with; optional for users, needed by its tests.
$(BIN)/installed-evaluation: requirements-evaluation.txt $(BIN)/installed
	$(BIN)/python -m pip install --quiet -r requirements-evaluation.txt
	touch $@

clean:
	rm -rf .venv demo.wav demo.png
