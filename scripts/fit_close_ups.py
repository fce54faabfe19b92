"""Fits what tells close-ups from places, to pictures that were sorted by eye.

    python -m scripts.fit_close_ups PICTURES

`scripts/close_ups.csv` has the package of each picture, its name there, and what it is; `PICTURES` has a folder for
each package. (Pictures of GCompris are named by the resource file that holds them, and where in it they begin.) The
pictures themselves are not of this project. It needs the packages of play alone, writes
`assets/picture_check/close_ups.json`, and prints what a cross-validation in ten parts finds.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from runtime_config.constants import PICTURE_CHECK_DIR
from services.image_classifier.bundled_image_classifier import BundledImageClassifier, shipped_model
from services.picture_views._signs import middle, signs_of
from services.picture_views.network_picture_views import FILE_NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats = np.ndarray[Any, np.dtype[np.float64]]

LABELS: Final = Path(__file__).with_name("close_ups.csv")
_STRENGTH: Final = 1000.0  # of the ridge that keeps the weights of 1,795 numbers small
_SIGN_SCALE: Final = 20.0**0.5  # a sign may weigh as much as 20 features
_PLACES_KEPT: Final = 0.95
_PARTS: Final = 10


def read_pictures(folder: Path) -> tuple[Floats, NDArray[np.bool_]]:
    """Rows of features and signs, and whether each picture is a place."""
    network = BundledImageClassifier(shipped_model(PICTURE_CHECK_DIR))
    rows: list[Floats] = []
    places: list[bool] = []
    with LABELS.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            with Image.open(folder / line["package"] / line["picture"]) as image:
                picture = np.asarray(image.convert("RGB"), dtype=np.uint8)
            rows.append(np.concatenate([network.features(middle(picture)), np.array(signs_of(picture))]))
            places.append(line["view"] == "place")
    return np.array(rows), np.array(places)


def fit(rows: Floats, places: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights and offset of a ridge logistic regression in which both kinds count the same.

    By Newton's method on the dual, which is as large as there are pictures.
    """
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scale[-3:] /= _SIGN_SCALE
    known = (rows - mean) / scale
    of_places = float(places.mean())
    share: Floats = np.where(places, 0.5 / of_places, 0.5 / (1.0 - of_places))
    kernel = known @ known.T / _STRENGTH
    dual, offset = np.zeros(len(rows)), 0.0
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-(kernel @ dual + offset)))
        weight = np.maximum(share * chance * (1.0 - chance), 1e-9)
        aim: Floats = kernel @ dual + offset + share * (places - chance) / weight
        system = np.ones((len(rows) + 1, len(rows) + 1))
        system[:-1, :-1], system[-1, -1] = kernel + np.diag(1.0 / weight), 0.0
        found = np.linalg.solve(system, np.append(aim, 0.0))
        dual, offset = found[:-1], float(found[-1])
    weights = known.T @ dual / _STRENGTH / scale
    return weights, float(offset - weights @ mean)


def cross_validate(rows: Floats, places: NDArray[np.bool_]) -> Floats:
    """The score of each picture by weights that were fitted without its tenth."""
    part = np.random.default_rng(0).permutation(len(rows)) % _PARTS
    scores = np.empty(len(rows))
    for out in range(_PARTS):
        weights, offset = fit(rows[part != out], places[part != out])
        scores[part == out] = rows[part == out] @ weights + offset
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    rows, places = read_pictures(parser.parse_args().pictures)
    scores = cross_validate(rows, places)
    limit = float(np.quantile(scores[places], 1.0 - _PLACES_KEPT, method="lower"))
    kept, found = float((scores[places] >= limit).mean()), float((scores[~places] < limit).mean())
    of = f"{places.sum()} places, {(~places).sum()} close-ups"
    sys.stdout.write(f"{of}: {kept:.1%} of the places are kept, {found:.1%} of the close-ups are found.\n")
    weights, offset = fit(rows, places)
    plain = {
        "features": [float(f"{weight:.5g}") for weight in weights[:-3]],
        "signs": [float(f"{weight:.5g}") for weight in weights[-3:]],
        "offset": round(offset, 4),
        "limit": round(limit, 4),
    }
    (PICTURE_CHECK_DIR / FILE_NAME).write_text(json.dumps(plain) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
