"""The same job on the same events by Firstline and by others, every answer checked."""
