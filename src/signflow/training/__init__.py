"""Learning: a store and a model become a run directory."""
