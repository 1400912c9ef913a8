"""An announcement as a banner: a standing notice on the pages that its author chose."""
