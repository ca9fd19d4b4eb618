"""One figure or page per file, of what the rooms beside found."""
