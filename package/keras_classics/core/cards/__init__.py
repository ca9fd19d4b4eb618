"""The catalogue: cards, recipes, names, the index of them all, and what every builder shares."""
