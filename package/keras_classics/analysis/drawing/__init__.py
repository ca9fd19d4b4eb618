"""Pages, plots, and what is counted for them."""
