"""Four eyes: a second person approves announcements to many people, and corrections of them."""
