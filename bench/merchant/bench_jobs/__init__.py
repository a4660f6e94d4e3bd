"""Jobs that do nothing, for the timing of the job layer."""
