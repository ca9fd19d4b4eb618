"""A model read from its graph: layers, ends, windows, feature maps and gradients."""
