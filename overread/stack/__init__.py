"""Many images at once: found in folders and zip files, answered in one or several processes, one row for each."""
