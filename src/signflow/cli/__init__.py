"""The command line. It parses, calls and prints; it holds no logic."""
