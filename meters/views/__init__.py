"""The pages of the section Meters that need nothing but this app."""
