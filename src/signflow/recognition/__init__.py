"""Put to use: a run becomes a recogniser."""
