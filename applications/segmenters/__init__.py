"""Parts of the segmentation application."""
