"""What can learn: the registry of networks and their one contract."""
