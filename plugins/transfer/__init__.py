"""Import and export of any resource: files of any dialect in, with dry run and rollback; streaming out."""
