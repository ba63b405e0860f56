"""Readers of vendors' files, a module each; tests/golden/run.py says what one has."""
import importlib


def load(vendor):
    return importlib.import_module(f".{vendor}", __name__)
