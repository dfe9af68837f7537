"""Raw rows to network inputs and back: scaling, principal components, splits."""
