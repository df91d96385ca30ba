"""Why a site answered as it did: one file a part of the way."""
