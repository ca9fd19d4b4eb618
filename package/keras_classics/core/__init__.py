"""The ground floor: catalogue, builder head and tail, registration, errors."""
