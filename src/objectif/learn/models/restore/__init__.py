"""Learners that make a picture clear: classical priors, networks, and a network inside the steps of a solver."""
