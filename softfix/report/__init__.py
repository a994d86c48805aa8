"""Reports: numbers, then figures, then one page that needs nothing else."""
