"""What a network is made of and what its symmetries are."""
