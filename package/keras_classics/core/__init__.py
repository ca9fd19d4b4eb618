"""The ground floor: errors, checks of arguments, Keras's internals; catalogue, graphs, boundary."""
