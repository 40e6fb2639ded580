"""Seen once, kept: clips become samples in memory-mapped Arrow shards."""
