"""Data: the `Images` type, the five data sets with their stand-ins, and classic augmentation."""
