"""Which cells of a recurrent network follow something one can name."""
