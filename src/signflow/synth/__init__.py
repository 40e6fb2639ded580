"""Rendered signers: stand-in videos with MS-ASL annotations, for the demo and the tests."""
