"""What a trained net says of a user's own files, and texts drawn from it."""
