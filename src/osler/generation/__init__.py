"""What is made, and what is learned without labels: objectives, and how good they are."""
