"""`LatentMap.partial_fit`: new rows for a fitted map."""
