"""The two extensions that make Faust fast: batches in (`consumer`), batches out (`changelog`).

Nothing else may know of their inside.
"""
