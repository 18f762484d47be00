"""Metrics as functions of truth and answer, with intervals and paired comparisons; numpy alone."""
