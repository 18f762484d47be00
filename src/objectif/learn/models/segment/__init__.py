"""Segmenters: networks and filters that are trained as a whole and answer with a class for each pixel."""
