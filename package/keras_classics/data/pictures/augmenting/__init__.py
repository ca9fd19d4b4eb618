"""Pictures changed at random, and their boxes and masks along with them."""
