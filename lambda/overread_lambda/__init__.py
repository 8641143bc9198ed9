"""Overread's inference core behind AWS Lambda, and the commands to package, run and call the function."""
