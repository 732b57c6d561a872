"""Broken files: bytes flipped, cut, repeated and inserted, the same in every run."""

import os
import random

EVERYTHING = os.environ.get("NQPF_EVERYTHING") == "1"


def chances(name, number):
    """Yield as many sources of chance, a tenth of them unless everything is asked for."""
    for seed in range(number if EVERYTHING else number // 10):
        print(f"seed {name} {seed}")  # shown when a test fails: the last one is to blame
        yield random.Random(f"{name} {seed}")  # noqa: S311 - no secret


def mutate_bytes(content, chance, nasty):
    """Flip, cut, repeat or insert bytes."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 30])):
        at, to = sorted(chance.choices(range(len(data) + 1), k=2))
        match chance.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 2:
                del data[at : min(to, at + chance.choice([1, 3, 20, 200]))]
            case 3 if chance.random() < 0.3:
                del data[at:]
            case 4:
                data[at:at] = data[at : min(to, at + chance.choice([1, 10, 100]))]
            case 5:
                data[at:at] = chance.randbytes(chance.randrange(1, 6))
            case 6:
                data[at:at] = chance.choice(nasty)
    return bytes(data)
