"""Conversion of raw rows to network inputs: scaling, principal components, neighbours."""
