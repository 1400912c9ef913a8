"""The admin's page of use: numbers only, and nothing about a person."""
