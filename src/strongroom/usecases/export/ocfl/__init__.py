"""OCFL 1.1 (https://ocfl.io/1.1/spec/): a collection as one object, each of its bags a version."""
