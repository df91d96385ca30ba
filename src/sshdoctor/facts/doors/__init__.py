"""What the doors of a host's accounts hang on; asked of a host only where its doors are wanted."""
