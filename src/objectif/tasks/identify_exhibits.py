"""stub"""
def exhibits(paths, classes, truth, answers, limit): return []
