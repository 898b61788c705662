"""`python -m assay_runtime.builtin digits OUT.csv`: data sets that come with a library, as CSV with the same bytes each time."""

import sys
from pathlib import Path

from .files import write_file


def digits() -> str:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, values 0 to 16."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    lines = ["id,label," + ",".join(f"p{index}" for index in range(images.shape[1]))]
    for row, (pixels, label) in enumerate(zip(images.astype(int).tolist(), labels.tolist())):
        lines.append(f"d{row:04d},{label}," + ",".join(map(str, pixels)))
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    sets = {"digits": digits}
    if len(arguments) != 2 or arguments[0] not in sets:
        print(f"usage: python -m assay_runtime.builtin {{{','.join(sets)}}} OUT.csv", file=sys.stderr)
        return 2
    write_file(Path(arguments[1]).absolute(), sets[arguments[0]]().encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
