"""The page by which a person who was banned lets their own address in again, by a link that comes by mail."""
