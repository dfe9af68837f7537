"""Implementation of `LatentMap.partial_fit`, which adds new rows to a fitted map."""
