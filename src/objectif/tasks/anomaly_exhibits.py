def exhibits(*a, **k): return []
