"""Detectors: networks that are trained as a whole and answer with boxes."""
