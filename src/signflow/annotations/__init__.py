"""What to look at: MS-ASL, folders and tables become a list of clips."""
