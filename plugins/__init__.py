"""Our own plugins, one folder each; a merchant's are found in his own directory or by entry point."""
