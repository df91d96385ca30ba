"""What the files of a disk tell, printed as the commands of a live host would print it."""
