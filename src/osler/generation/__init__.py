"""What makes or represents instead of predicting: objectives for the one training loop, and how good what they give is."""
