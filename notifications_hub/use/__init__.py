"""Use: how notifications of each kind are received, in numbers that hold nothing about a person."""
