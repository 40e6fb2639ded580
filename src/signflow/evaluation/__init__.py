"""How good, truly: runs become metrics, intervals, pictures and a report."""
