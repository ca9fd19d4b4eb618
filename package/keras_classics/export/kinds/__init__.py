"""What each kind of model is shipped as: what goes in, what comes out, and what lies between."""
