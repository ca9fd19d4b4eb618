"""Networks shipped in numbers of eight bits."""
